// Lists of numbers as the kernel writes them: CPUs, nodes ("0-3,8").
// Source: man 7 cpuset, "List format".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weighbridge {

// Numbers below `end` in the list that the file at `path` holds. Empty where there is no such file.
std::vector<uint32_t> read_kernel_list(const std::string& path, uint32_t end);

}  // namespace weighbridge
