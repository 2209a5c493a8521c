#include "kernel_list.h"

#include <fstream>
#include <sstream>

namespace weighbridge {

std::vector<uint32_t> read_kernel_list(const std::string& path, uint32_t end) {
  std::ifstream file(path);
  std::vector<uint32_t> found;
  std::string item;
  while (std::getline(file, item, ',')) {
    std::istringstream text(item);
    uint32_t first = 0;
    if (!(text >> first)) continue;
    uint32_t last = first;
    if (text.get() == '-' && !(text >> last)) continue;
    for (uint32_t number = first; number <= last && number < end; ++number) found.push_back(number);
  }
  return found;
}

}  // namespace weighbridge
