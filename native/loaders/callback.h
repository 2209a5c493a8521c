// Weights that somebody outside of the native code brings. The `callback` mechanism knows no more of it than this: whom
// to ask, and what must come back.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "loader.h"
#include "part_file.h"

namespace weighbridge {

// One run of bytes a part, used in place.
struct Supplied {
  std::vector<std::span<const std::byte>> parts;
  std::shared_ptr<const void> owner;  // keeps the bytes; goes with the weights, on the thread that destroys them
};

class Supplier {
 public:
  virtual ~Supplier() = default;
  // The bytes [begin, end) of each part, empty where that is empty; begins are multiples of the page size. Called once a
  // load, on its thread. Throws Error.
  virtual Supplied supply(std::span<const Part> parts, std::span<const Extent> wanted) = 0;
};

// While it lives, loads by `callback` on this thread ask `supplier`, which must outlive it.
class CallbackScope {
 public:
  explicit CallbackScope(Supplier* supplier) noexcept;
  ~CallbackScope();
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

 private:
  Supplier* before_;
};

}  // namespace weighbridge
