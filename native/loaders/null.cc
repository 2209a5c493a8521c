// Maps nothing and reads nothing: what remains of a sample's time is the harness itself.
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

class NoWeights : public Weights {
 public:
  const std::byte* address(const TensorRange&) const override {
    throw Error(Reason{.code = "internal", .operation = "address", .message = "the null loader has no weights"});
  }
};

std::optional<Reason> unsupported(std::span<const Part>, const Options& options) {
  options.only({});
  return std::nullopt;
}

std::unique_ptr<Weights> load(std::span<const Part>, std::span<const TensorRange>, const Options& options) {
  options.only({});
  return std::make_unique<NoWeights>();
}

}  // namespace

const Loader null = {"null", unsupported, load, false};

}  // namespace weighbridge::mechanisms
