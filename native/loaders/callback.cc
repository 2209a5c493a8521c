// Weights from a function of the caller, in buffers of its own: nothing is copied, so that what is weighed is what the
// function does.
#include "callback.h"

#include <string>
#include <utility>

#include "mechanisms.h"

namespace weighbridge {

namespace {

thread_local Supplier* current = nullptr;

}  // namespace

CallbackScope::CallbackScope(Supplier* supplier) noexcept : before_(std::exchange(current, supplier)) {}
CallbackScope::~CallbackScope() { current = before_; }

namespace mechanisms {

namespace {

[[noreturn]] void bad_callback(const Part& part, const std::string& what) {
  throw Error(Reason{.code = "bad-callback",
                     .operation = "load",
                     .path = part.path,
                     .message = "the loader's function gave " + what,
                     .remedy = "give one Uint8Array a part, of end - begin bytes, in the memory of allocate(part)"});
}

class SuppliedWeights : public Weights {
 public:
  SuppliedWeights(Supplied supplied, std::vector<Extent> extents)
      : supplied_(std::move(supplied)), extents_(std::move(extents)) {}
  const std::byte* address(const TensorRange& range) const override {
    return supplied_.parts[range.part].data() + (range.offset - extents_[range.part].begin);
  }
  Effective effective() const override {
    uint64_t bytes = 0;
    for (const std::span<const std::byte>& part : supplied_.parts) bytes += part.size();
    return {{"suppliedBytes", static_cast<int64_t>(bytes)}};
  }

 private:
  Supplied supplied_;
  std::vector<Extent> extents_;
};

// What the kernel reads in place must be as long and lie as it would in a map of the file (see Weights::address).
void check(const Supplied& supplied, std::span<const Part> parts, std::span<const Extent> wanted) {
  for (size_t index = 0; index < parts.size(); ++index) {
    const std::span<const std::byte> bytes = supplied.parts.at(index);
    const Extent& extent = wanted[index];
    if (bytes.size() != extent.bytes()) {
      bad_callback(parts[index], std::to_string(bytes.size()) + " bytes instead of " + std::to_string(extent.bytes()));
    }
    if (bytes.empty()) continue;
    const uint64_t off = reinterpret_cast<uintptr_t>(bytes.data()) % page_size();
    if (off != extent.begin % page_size()) {
      bad_callback(parts[index], "memory that begins " + std::to_string(off) + " bytes into a page instead of " +
                                     std::to_string(extent.begin % page_size()));
    }
  }
}

// Whether it can work is the function's own to say, by throwing.
std::optional<Reason> unsupported(std::span<const Part>, const Options& options) {
  options.only({});
  return std::nullopt;
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  options.only({});
  if (current == nullptr) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "load",
                       .message = "the callback mechanism was given no function that brings the weights"});
  }
  std::vector<Extent> wanted = tensor_extents(parts, in_forward_order);
  for (Extent& extent : wanted) extent.begin = round_down(extent.begin, page_size());
  Supplied supplied = current->supply(parts, wanted);
  check(supplied, parts, wanted);
  return std::make_unique<SuppliedWeights>(std::move(supplied), std::move(wanted));
}

}  // namespace

const Loader callback = {"callback", unsupported, load};

}  // namespace mechanisms

}  // namespace weighbridge
