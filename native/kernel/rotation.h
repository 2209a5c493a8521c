// How positions turn queries and keys (RoPE, Su et al. 2021, arXiv:2104.09864), and how models stretch that to contexts
// beyond those that they were trained on.
#pragma once

#include <cstdint>
#include <span>

#include "llama.h"

namespace weighbridge::kernel {

// What metadata asks for, as llama.cpp reads it: a scaling without type is linear, a factor of 0 is none.
struct RotationScaling {
  float factor = 1;                // positions count as position / factor …
  bool ramps = false;              // … but less so the faster a pair turns (YaRN)
  float attention = 1;             // cosines and sines are multiplied by it
  uint32_t original_context = 0;   // positions
  bool has_two_factor_sets = false;  // longrope: one set of divisors up to the original context, one beyond
};

// Throws Error: unsupported-architecture for another type of scaling, malformed.
RotationScaling rotation_scaling(const gguf::Model& model);

// Fills in radians a position, one a rotated pair. `divisors`: rope_dimensions / 2 floats at any alignment, or nullptr.
// Source of the ramp, and of the factor of attention that comes with it: Peng et al. 2023 (YaRN, arXiv:2309.00071).
void rotation_frequencies(const Hyperparameters& shape, const RotationScaling& scaling, const std::byte* divisors,
                          std::span<double> frequencies);

}  // namespace weighbridge::kernel
