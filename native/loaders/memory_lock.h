// mlock(2): pages that may not leave memory.
#pragma once

#include <cstdint>
#include <optional>

#include "loader.h"
#include "mapping.h"

namespace weighbridge {

enum class LockMode {
  all,       // mlock(2): brings every page in and keeps it
  on_fault,  // mlock2(MLOCK_ONFAULT): keeps each page once something else has brought it in
};

// Why this process may not lock that many more bytes: Reason codes not-permitted and unsupported-by-kernel. Asked of
// the kernel with address space that holds no page; nothing stays locked.
std::optional<Reason> lock_unsupported(uint64_t bytes);

// Locks all that is mapped. Throws Error codes not-permitted, unsupported-by-kernel, out-of-memory and io-error.
void lock(const Mapping& mapping, const Part& part, LockMode mode);

}  // namespace weighbridge
