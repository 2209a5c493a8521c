// What mapping a file costs before any byte of it is read from storage.
#pragma once

#include <cstdint>
#include <string>

namespace weighbridge {

struct FaultCost {
  uint64_t ns;            // of touching one byte in each page
  uint64_t minor_faults;  // that the touches took (getrusage(2), of this thread): fewer than pages, since the kernel
                          // maps cached neighbours in one go (fault_around_bytes, large folios)
  uint64_t major_faults;  // 0 where all of it was in the page cache
};

// Maps [begin, begin + bytes) of the file shared and touches it once, in order. begin is a multiple of the page size.
// Throws Error: file-changed where the file is shorter than that, mmap errors.
FaultCost fault_cost(const std::string& path, uint64_t begin, uint64_t bytes);

// Median nanoseconds of one mmap(2) call that maps the whole file shared and read-only; munmap(2) lies outside. 501 calls.
uint64_t mmap_call_ns(const std::string& path);

}  // namespace weighbridge
