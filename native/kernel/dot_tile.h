// How rows and columns are grouped. Kernel::tile<C> multiplies a row with C neighbouring columns and decodes each weight
// block once for all of them. One row at a time, so that a single column reads the weights as one stream, at nearly the
// speed of memory.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "dot.h"

namespace weighbridge::kernel {

// Rows whose bytes, with four columns of activations, stay in the first-level cache while columns pass by.
inline constexpr uint64_t row_group = 8;
inline constexpr uint64_t column_group = 4;

// How far ahead of the weights in use memory is asked for, in bytes: hardware prefetchers stop at each 4 KiB page.
inline constexpr uint64_t prefetch_distance = 4096;

// A register of one float, for lanes that fill no wider one.
struct OneLane {
  using Register = float;
  static constexpr uint64_t count = 1;
  static constexpr int together = 4;
  static float load(const float* from) { return *from; }
  static void store(float* to, float value) { *to = value; }
  static float all(float value) { return value; }
  static float fused(float a, float b, float c) { return a * b + c; }
};

template <class Kernel>
void multiply_tiled(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  for (uint64_t first = 0; first < rows.count; first += row_group) {
    const uint64_t last = std::min(first + row_group, rows.count);
    uint64_t column = 0;
    for (; column + column_group <= columns.count; column += column_group) {
      for (uint64_t row = first; row < last; ++row) {
        Kernel::template tile<column_group>(rows.data + row * rows.bytes, columns, column,
                                            out + column * out_stride + row, out_stride);
      }
    }
    for (; column < columns.count; ++column) {
      for (uint64_t row = first; row < last; ++row) {
        Kernel::template tile<1>(rows.data + row * rows.bytes, columns, column, out + column * out_stride + row,
                                 out_stride);
      }
    }
  }
}

}  // namespace weighbridge::kernel
