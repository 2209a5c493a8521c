#include "huge_pages.h"

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>

namespace weighbridge {

uint64_t huge_page_bytes(std::span<const std::byte> memory) {
  const auto wanted_begin = reinterpret_cast<uintptr_t>(memory.data());
  const auto wanted_end = wanted_begin + memory.size();
  std::ifstream smaps("/proc/self/smaps");
  std::string line;
  bool overlaps = false;
  uint64_t sum = 0;
  while (std::getline(smaps, line)) {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t kibibytes = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " ", &begin, &end) == 2) {
      overlaps = begin < wanted_end && wanted_begin < end;
    } else if (overlaps && (std::sscanf(line.c_str(), "AnonHugePages: %" SCNu64, &kibibytes) == 1 ||
                            std::sscanf(line.c_str(), "ShmemPmdMapped: %" SCNu64, &kibibytes) == 1 ||
                            std::sscanf(line.c_str(), "FilePmdMapped: %" SCNu64, &kibibytes) == 1)) {
      sum += kibibytes * 1024;
    }
  }
  return sum;
}

}  // namespace weighbridge
