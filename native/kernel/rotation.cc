#include "rotation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "metadata_numbers.h"
#include "quant.h"
#include "tensors.h"

namespace weighbridge::kernel {

namespace {

// Turns in the original context above which YaRN leaves a pair as it is, and below which it scales it in full.
constexpr double fast = 32, slow = 1;

// The pair that turns `turns` times over the original context.
double pair_of(double turns, const Hyperparameters& shape, const RotationScaling& scaling) {
  const double wavelength = scaling.original_context / (turns * 2 * std::numbers::pi);
  return shape.rope_dimensions * std::log(wavelength) / (2 * std::log(static_cast<double>(shape.rope_base)));
}

}  // namespace

RotationScaling rotation_scaling(const gguf::Model& model) {
  const std::string_view type = model.string_value(metadata_key(model, "rope.scaling.type")).value_or("linear");
  if (type != "none" && type != "linear" && type != "yarn" && type != "longrope") {
    refuse_architecture("position scaling of type " + std::string(type) + " is not run by this kernel",
                        "use a model without it, or with type linear, yarn or longrope");
  }
  RotationScaling scaling;
  scaling.has_two_factor_sets = type == "longrope";
  // Before scaling had a type, linear scaling had a key of its own, which counts only where the new one is absent.
  const bool current = model.find(metadata_key(model, "rope.scaling.factor")) != nullptr;
  const char* name = current ? "rope.scaling.factor" : "rope.scale_linear";
  if (type != "none") scaling.factor = optional_real(model, name, Zero::absent).value_or(1.0f);
  const auto trained = optional_count(model, "context_length", UINT32_MAX).value_or(0);
  scaling.original_context = optional_count(model, "rope.scaling.original_context_length", UINT32_MAX).value_or(trained);
  double attention = any_real(model, "rope.scaling.attn_factor").value_or(1.0f);
  scaling.ramps = type == "yarn";
  if (scaling.ramps) {
    attention *= scaling.factor <= 1 ? 1 : 0.1 * std::log(scaling.factor) + 1;
    if (scaling.original_context == 0) malformed(metadata_key(model, "context_length"), "is missing, and YaRN needs it");
  }
  scaling.attention = static_cast<float>(attention);
  return scaling;
}

void rotation_frequencies(const Hyperparameters& shape, const RotationScaling& scaling, const std::byte* divisors,
                          std::span<double> frequencies) {
  double low = 0, high = 0;
  if (scaling.ramps) {
    low = std::max(0.0, std::floor(pair_of(fast, shape, scaling)));
    high = std::min(shape.rope_dimensions - 1.0, std::ceil(pair_of(slow, shape, scaling)));
  }
  for (uint64_t i = 0; i < frequencies.size(); ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / shape.rope_dimensions;
    const double divisor = divisors != nullptr ? load<float>(divisors + i * sizeof(float)) : 1.0;
    const double original = std::pow(static_cast<double>(shape.rope_base), exponent) / divisor;
    const double ramp = std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
    const double kept = scaling.ramps ? 1 - ramp : 0.0;
    frequencies[i] = original / scaling.factor * (1 - kept) + original * kept;
  }
}

}  // namespace weighbridge::kernel
