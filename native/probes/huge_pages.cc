#include "huge_pages.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>

namespace weighbridge {

namespace {

// Sum of these fields of /proc/self/smaps over the mappings that overlap `memory`.
std::optional<uint64_t> sum_of(std::span<const std::byte> memory, std::initializer_list<std::string_view> fields) {
  const auto wanted_begin = reinterpret_cast<uintptr_t>(memory.data());
  const auto wanted_end = wanted_begin + memory.size();
  std::ifstream smaps("/proc/self/smaps");
  if (!smaps) return std::nullopt;
  std::string line;
  bool overlaps = false;
  uint64_t sum = 0;
  while (std::getline(smaps, line)) {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t kibibytes = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " ", &begin, &end) == 2) {
      overlaps = begin < wanted_end && wanted_begin < end;
      continue;
    }
    if (!overlaps) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view name = std::string_view(line).substr(0, colon);
    if (std::find(fields.begin(), fields.end(), name) == fields.end()) continue;
    if (std::sscanf(line.c_str() + colon, ": %" SCNu64, &kibibytes) == 1) sum += kibibytes * 1024;
  }
  return sum;
}

}  // namespace

uint64_t huge_page_bytes(std::span<const std::byte> memory) {
  return sum_of(memory, {"AnonHugePages", "ShmemPmdMapped", "FilePmdMapped"}).value_or(0);
}

std::optional<uint64_t> anonymous_huge_bytes(std::span<const std::byte> memory) {
  const std::optional<uint64_t> sum = sum_of(memory, {"AnonHugePages", "Private_Hugetlb"});
  if (!sum) return std::nullopt;
  return std::min<uint64_t>(*sum, memory.size());
}

}  // namespace weighbridge
