// A session's code, run before anything is measured.
#include <array>
#include <atomic>
#include <cmath>

#include "session.h"

namespace weighbridge {

using namespace kernel;

namespace {

// Enough for the loops over eight blocks, and for a group of columns and one more.
constexpr uint64_t elements = 16 * block_elements;
constexpr uint64_t columns = 5;
constexpr uint64_t rows = 32;
constexpr uint64_t widest_row = elements * sizeof(float);

struct Operands {
  alignas(64) std::array<std::byte, widest_row> row = {};
  alignas(64) std::array<float, columns * elements> values = {};
  alignas(64) std::array<int8_t, columns * elements> quants = {};
  alignas(64) std::array<float, columns * elements / block_elements> scales = {};
  alignas(64) std::array<int32_t, columns * elements / block_elements> eight_sums = {};
  alignas(64) std::array<float, columns * rows> out = {};
};

}  // namespace

void Session::State::warm_up() {
  std::atomic<float> kept = 0;
  pool.run([&](uint32_t) {
    // On the stack, whose pages are part of what is touched.
    Operands operands;
    for (uint64_t c = 0; c < columns; ++c) {
      const uint64_t block = c * elements / block_elements;
      quantize(operands.values.data() + c * elements, elements, operands.quants.data() + c * elements,
               operands.scales.data() + block, operands.eight_sums.data() + block);
    }
    const Activations activations = {operands.values.data(), operands.quants.data(),     operands.scales.data(),
                                     operands.eight_sums.data(), elements, columns};
    float sum = 0;
    for (const WeightType& type : weight_types()) {
      // One row for all of them, a whole panel.
      dots.multiply(type.type)({operands.row.data(), rows, 0}, activations, operands.out.data(), rows);
      type.decode(operands.row.data(), elements, operands.values.data());
      sum += operands.out[columns * rows - 1];
    }
    dots.accumulate({operands.values.data(), elements, 1, elements / columns}, {operands.values.data(), 1, columns},
                    operands.values.data() + elements, elements / columns);
    dots.gate(operands.values.data(), operands.values.data() + elements, elements);
    dots.softmax(operands.values.data(), elements, 1);
    sum += operands.values[0];
    // The argument is not known when this is compiled: the library's functions are called.
    kept = sum + std::exp(sum) + static_cast<float>(std::cos(double{sum}) + std::sin(double{sum}) + std::pow(1.5, sum));
  });
}

}  // namespace weighbridge
