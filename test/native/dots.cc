// Every instruction set's products against exact ones, on random rows: all types, lengths, numbers of rows and columns,
// ordinary and extreme scales. With an argument, "emulated", AVX-512 runs through SIMDe whatever the processor.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "../../native/kernel/dot.h"
#include "checks.h"

namespace weighbridge::kernel {
namespace {

enum class Magnitude { ordinary, tiny, huge, zero, mixed, extreme_quants };

constexpr const char* name_of(Magnitude magnitude) {
  constexpr const char* names[] = {"ordinary", "tiny", "huge", "zero", "mixed", "extreme quants"};
  return names[static_cast<int>(magnitude)];
}

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint32_t bits() { return static_cast<uint32_t>(engine_()); }
  uint64_t below(uint64_t limit) { return engine_() % limit; }
  float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-23f - 1.0f; }

 private:
  std::mt19937_64 engine_;
};

uint16_t random_half(Random& random, Magnitude magnitude) {
  const auto sign = static_cast<uint16_t>(random.bits() & 0x8000u);
  const auto mantissa = static_cast<uint16_t>(random.bits() & 0x3ffu);
  const auto with_exponent = [&](uint64_t exponent) { return static_cast<uint16_t>(sign | exponent << 10 | mantissa); };
  switch (magnitude) {
    case Magnitude::zero:
      return sign;
    case Magnitude::tiny:
      return with_exponent(0);  // subnormal
    case Magnitude::huge:
      return with_exponent(28 + random.below(3));
    case Magnitude::mixed:
      return with_exponent(random.below(31));
    default:
      return with_exponent(8 + random.below(6));
  }
}

float random_activation(Random& random, Magnitude magnitude) {
  switch (magnitude) {
    case Magnitude::zero:
      return 0.0f;
    case Magnitude::tiny:
      return random.uniform() * 1e-30f;
    case Magnitude::huge:
      return random.uniform() * 1e20f;
    case Magnitude::mixed:
      return random.below(4) == 0 ? 0.0f : std::ldexp(random.uniform(), static_cast<int>(random.below(40)) - 20);
    case Magnitude::extreme_quants:
      return random.below(2) == 0 ? 1.0f : -1.0f;
    default:
      return random.uniform();
  }
}

// Where a block's half-precision numbers lie: any other byte may have any value.
std::vector<uint64_t> halves_of(gguf::TensorType type) {
  using enum gguf::TensorType;
  switch (type) {
    case Q4_1:
    case Q5_1:
    case Q4_K:
    case Q5_K:
      return {0, 2};
    case Q2_K:
      return {offsetof(BlockQ2_K, scale), offsetof(BlockQ2_K, minimum)};
    case Q3_K:
      return {offsetof(BlockQ3_K, scale)};
    case Q6_K:
      return {offsetof(BlockQ6_K, scale)};
    default:
      return {0};
  }
}

std::vector<std::byte> random_rows(Random& random, const WeightType& type, uint64_t elements, uint64_t count,
                                   Magnitude magnitude) {
  std::vector<std::byte> rows(elements / type.elements * type.bytes * count);
  for (std::byte& byte : rows) byte = static_cast<std::byte>(random.bits());
  const auto put = [&](uint64_t at, const auto& value) { std::memcpy(rows.data() + at, &value, sizeof value); };
  for (uint64_t at = 0; at < rows.size(); at += type.bytes) {
    if (type.type == gguf::TensorType::F32) {
      put(at, random_activation(random, magnitude));
    } else {
      if (magnitude == Magnitude::extreme_quants && type.bytes > 2) {
        constexpr int fills[] = {0x00, 0xff, 0x80, 0x7f};
        std::memset(rows.data() + at, fills[random.below(std::size(fills))], type.bytes);
      }
      for (const uint64_t half : halves_of(type.type)) put(at + half, random_half(random, magnitude));
    }
  }
  return rows;
}

struct Exact {
  double product;
  double magnitude;  // Σ |weight · activation|: rounding errors are proportional to it
};

// Of a quantized type, what is subtracted counts in the magnitude as well: both parts are summed apart.
std::vector<float> magnitudes_of(const WeightType& type, const std::byte* row, std::span<const float> weights) {
  std::vector<float> magnitudes(weights.size());
  UnpackedBlock block;
  for (uint64_t i = 0; i < weights.size(); ++i) {
    const uint64_t at = i % type.elements;
    if (type.unpack != nullptr && at == 0) type.unpack(row + i / type.elements * type.bytes, block);
    magnitudes[i] = type.unpack == nullptr ? std::abs(weights[i])
                                           : std::abs(block.scales[at / run_elements] * block.quants[at]) +
                                                 std::abs(block.minima[at / run_elements]);
  }
  return magnitudes;
}

Exact exact_product(const WeightType& type, const std::byte* row, const Activations& columns, uint64_t column) {
  std::vector<float> weights(columns.elements);
  type.decode(row, columns.elements, weights.data());
  const std::vector<float> magnitudes = magnitudes_of(type, row, weights);
  const uint64_t blocks = columns.elements / block_elements;
  Exact exact = {0, 0};
  for (uint64_t i = 0; i < columns.elements; ++i) {
    const uint64_t at = column * columns.elements + i;
    const double activation =
        type.form == ActivationForm::values
            ? columns.values[at]
            : double{columns.scales[column * blocks + i / block_elements]} * columns.quants[at];
    exact.product += weights[i] * activation;
    exact.magnitude += magnitudes[i] * std::abs(activation);
  }
  return exact;
}

struct Operand {
  std::vector<float> values;
  std::vector<int8_t> quants;
  std::vector<float> scales;
  std::vector<int32_t> eight_sums;

  Operand(Random& random, uint64_t elements, uint64_t count, Magnitude magnitude, bool quantized)
      : values(elements * count), quants(elements * count), scales(elements * count / block_elements + 1),
        eight_sums(elements * count / block_elements + 1) {
    for (float& value : values) value = random_activation(random, magnitude);
    if (quantized) quantize(values.data(), values.size(), quants.data(), scales.data(), eight_sums.data());
  }
  Activations columns(uint64_t elements, uint64_t first, uint64_t count) const {
    const uint64_t blocks = elements / block_elements;
    return {values.data() + first * elements,   quants.data() + first * elements, scales.data() + first * blocks,
            eight_sums.data() + first * blocks, elements,                         count};
  }
};

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// Tables may multiply fewer columns than these in another way than more.
constexpr uint64_t many_columns = 4;

void check_products(testing::Checks& checks, const DotTable& table, const WeightType& type, uint64_t elements,
                    Magnitude magnitude, uint64_t seed, uint64_t most_rows = 40, uint64_t most_columns = 9) {
  Random random(seed);
  const uint64_t rows = 1 + random.below(most_rows);
  const uint64_t columns = 1 + random.below(most_columns);
  const std::string what = std::string(weighbridge::name_of(table.isa)) + " " + gguf::traits(type.type)->name + ", " +
                           std::to_string(elements) + " elements, " + std::to_string(rows) + " rows, " +
                           std::to_string(columns) + " columns, " + name_of(magnitude);
  const Multiply multiply = table.multiply(type.type);
  if (multiply == nullptr) {
    checks.check(false, what + ": no product");
    return;
  }
  // Weights begin at an odd address: a file may align them so.
  const uint64_t row_bytes = elements / type.elements * type.bytes;
  const std::vector<std::byte> made = random_rows(random, type, elements, rows, magnitude);
  std::vector<std::byte> memory(made.size() + 1);
  std::copy(made.begin(), made.end(), memory.begin() + 1);
  const std::byte* weights = memory.data() + 1;
  const Operand operand(random, elements, columns, magnitude, type.form == ActivationForm::quants);
  const Activations all = operand.columns(elements, 0, columns);

  std::vector<float> out(rows * columns, std::numeric_limits<float>::quiet_NaN());
  multiply({weights, rows, row_bytes}, all, out.data(), rows);
  bool close = true;
  for (uint64_t c = 0; c < columns; ++c) {
    for (uint64_t r = 0; r < rows; ++r) {
      const Exact exact = exact_product(type, weights + r * row_bytes, all, c);
      const double bound = exact.magnitude * 1e-6 * std::sqrt(static_cast<double>(elements)) + 1e-37;
      close = close && (exact.magnitude > 1e37 || std::abs(out[c * rows + r] - exact.product) <= bound);
    }
  }
  checks.check(close, what + ": differs from the exact product");

  std::vector<float> alone(columns);
  bool rows_divisible = true;
  for (uint64_t r = 0; r < rows; ++r) {
    multiply({weights + r * row_bytes, 1, row_bytes}, all, alone.data(), 1);
    for (uint64_t c = 0; c < columns; ++c) rows_divisible = rows_divisible && same_bits(alone[c], out[c * rows + r]);
  }
  checks.check(rows_divisible, what + ": a row alone differs from the same among others");

  const uint64_t least = columns < many_columns ? 1 : many_columns;
  std::vector<float> group(rows * least);
  bool columns_divisible = true;
  for (uint64_t first = 0; first + least <= columns; first += least) {
    multiply({weights, rows, row_bytes}, operand.columns(elements, first, least), group.data(), rows);
    for (uint64_t i = 0; i < group.size(); ++i) {
      columns_divisible = columns_divisible && same_bits(group[i], out[first * rows + i]);
    }
  }
  checks.check(columns_divisible, what + ": columns differ by how many there are beside them");
}

void check_accumulate(testing::Checks& checks, const DotTable& table, uint64_t lanes, uint64_t depth, uint64_t count) {
  Random random(lanes * 1000 + depth * 10 + count);
  const uint64_t stride = lanes + 3, column_stride = depth + 2, out_stride = lanes + 1;
  const Operand matrix(random, stride * depth, 1, Magnitude::ordinary, false);
  const Operand columns(random, column_stride * count, 1, Magnitude::ordinary, false);
  std::vector<float> out(out_stride * count, 7.0f);
  const auto accumulate = [&](uint64_t first, uint64_t of, float* to) {
    table.accumulate({matrix.values.data(), stride, depth, lanes},
                     {columns.values.data() + first * column_stride, column_stride, of}, to, out_stride);
  };
  accumulate(0, count, out.data());
  bool close = true, divisible = true, kept = true;
  for (uint64_t c = 0; c < count; ++c) {
    std::vector<float> alone(out_stride, 7.0f);
    accumulate(c, 1, alone.data());
    for (uint64_t l = 0; l < lanes; ++l) {
      double exact = 7;
      for (uint64_t k = 0; k < depth; ++k) {
        exact += double{matrix.values[k * stride + l]} * columns.values[c * column_stride + k];
      }
      close = close && std::abs(out[c * out_stride + l] - exact) <= 1e-5 * static_cast<double>(depth);
      divisible = divisible && same_bits(alone[l], out[c * out_stride + l]);
    }
    kept = kept && out[c * out_stride + lanes] == 7.0f;
  }
  const std::string what = std::string(weighbridge::name_of(table.isa)) + " accumulate, " + std::to_string(lanes) +
                           " lanes, depth " + std::to_string(depth) + ", " + std::to_string(count) + " columns";
  checks.check(close, what + ": differs from the exact sum");
  checks.check(divisible, what + ": a column alone differs from the same among others");
  checks.check(kept, what + ": writes beyond its lanes");
}

void check_vectors(testing::Checks& checks, const DotTable& table, uint64_t elements) {
  Random random(elements);
  std::vector<float> scores(elements + 1, 7.0f), hidden(elements + 1, 7.0f), up(elements);
  double sum = 0, top = -1e30;
  for (uint64_t i = 0; i < elements; ++i) {
    scores[i] = 90.0f * random.uniform(), hidden[i] = 120.0f * random.uniform(), up[i] = random.uniform();
    top = std::max(top, double{scores[i]});
  }
  const std::vector<float> had = scores, before = hidden;
  for (uint64_t i = 0; i < elements; ++i) sum += std::exp((had[i] - top) * 0.125);
  table.softmax(scores.data(), elements, 0.125f);
  table.gate(hidden.data(), up.data(), elements);
  bool softmax = scores[elements] == 7.0f, gate = hidden[elements] == 7.0f;
  for (uint64_t i = 0; i < elements; ++i) {
    const double exponent = (had[i] - top) * 0.125, share = std::exp(exponent) / sum;
    const double gated = before[i] / (1 + std::exp(-double{before[i]})) * up[i];
    // The argument is rounded too.
    softmax = softmax && std::abs(scores[i] - share) <= 1e-6 * (1 + std::abs(exponent)) * share;
    gate = gate && std::abs(hidden[i] - gated) <= 1e-6 * std::abs(gated) + 1e-30;
  }
  const std::string what = std::string(weighbridge::name_of(table.isa)) + " of " + std::to_string(elements);
  checks.check(softmax, "softmax " + what);
  checks.check(gate, "gate " + what);
  for (const float odd : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> spoilt = had;
    spoilt[elements / 2] = odd;
    table.softmax(spoilt.data(), elements, 1.0f);
    checks.check(std::isnan(spoilt[elements / 2]), "softmax " + what + " keeps what is not finite visible");
  }
}

void check_quantize(testing::Checks& checks) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float odd : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    float values[block_elements] = {1.0f, odd};
    int8_t quants[block_elements];
    float scale = 0;
    int32_t eight_sum = 0;
    quantize(values, block_elements, quants, &scale, &eight_sum);
    checks.check(std::isnan(scale), "quantize keeps what is not finite visible");
  }
  Random random(1);
  for (const Magnitude magnitude : {Magnitude::ordinary, Magnitude::tiny, Magnitude::huge, Magnitude::mixed}) {
    const Operand operand(random, 32 * block_elements, 1, magnitude, true);
    bool near = true, sums = true;
    for (uint64_t b = 0; b < 32; ++b) {
      int32_t sum = 0;
      for (uint64_t i = b * block_elements; i < (b + 1) * block_elements; ++i) {
        near = near && std::abs(operand.values[i] - operand.scales[b] * operand.quants[i]) <= 0.501f * operand.scales[b];
        sum += operand.quants[i];
      }
      sums = sums && operand.eight_sums[b] == 8 * sum;
    }
    checks.check(near, std::string("quantize rounds to the nearest, ") + name_of(magnitude));
    checks.check(sums, std::string("quantize sums its quants, ") + name_of(magnitude));
  }
}

struct GoldenBlock {
  gguf::TensorType type;
  std::string bytes;
  std::vector<float> elements;
};

const GoldenBlock golden_blocks[] = {
#include "golden_blocks.inc"
};

// What ggml makes of the same bytes. It may round in another order.
void check_decoding(testing::Checks& checks) {
  for (const WeightType& type : weight_types()) {
    if (type.type == gguf::TensorType::F32 || type.type == gguf::TensorType::F16) continue;
    const auto golden = std::ranges::find(golden_blocks, type.type, &GoldenBlock::type);
    const std::string name = gguf::traits(type.type)->name;
    checks.check(golden != std::end(golden_blocks), name + ": there is a block to compare with");
    if (golden == std::end(golden_blocks)) continue;
    std::vector<std::byte> bytes(golden->bytes.size() / 2);
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(std::stoi(golden->bytes.substr(2 * i, 2), nullptr, 16));
    }
    std::vector<float> decoded(golden->elements.size());
    type.decode(bytes.data(), decoded.size(), decoded.data());
    bool same = true;
    for (size_t i = 0; i < decoded.size(); ++i) {
      same = same && std::abs(decoded[i] - golden->elements[i]) <= 1e-6f * std::abs(golden->elements[i]) + 1e-6f;
    }
    checks.check(same, name + ": elements are those of ggml");
  }
}

void check_halves(testing::Checks& checks) {
  bool right = true;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31);
    const auto mantissa = static_cast<float>(bits & 0x3ff);
    const float sign = (bits & 0x8000) != 0 ? -1.0f : 1.0f;
    const float got = half_to_float(static_cast<uint16_t>(bits));
    if (exponent == 31) {
      right = right && (mantissa == 0 ? got == sign * std::numeric_limits<float>::infinity() : std::isnan(got));
    } else {
      const float wanted = sign * (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
      right = right && same_bits(got, wanted);
    }
  }
  checks.check(right, "half_to_float of all 65536 values");
}

int run(bool emulated) {
  testing::Checks checks;
  std::vector<const DotTable*> tables;
  if (emulated) {
#if defined(WEIGHBRIDGE_SIMDE)
    tables = {&avx2_dots, &avxvnni_dots, &avx512_dots, &avx512vnni_dots};
#endif
  } else {
    for (const Isa isa : available_isas()) tables.push_back(dot_table(isa));
    check_halves(checks);
    check_decoding(checks);
    check_quantize(checks);
  }
  checks.check(!tables.empty(), "there are tables to check");
  for (const DotTable* table : tables) {
    uint64_t seed = 0;
    for (const WeightType& type : weight_types()) {
      for (const uint64_t blocks : {1, 2, 3, 7, 8, 9, 16, 23, 24, 64, 173, 176}) {
        for (const auto magnitude : {Magnitude::ordinary, Magnitude::tiny, Magnitude::huge, Magnitude::zero,
                                     Magnitude::mixed, Magnitude::extreme_quants}) {
          if (blocks * block_elements % type.elements != 0) continue;
          check_products(checks, *table, type, blocks * block_elements, magnitude, ++seed);
        }
      }
      if (type.elements != 1) continue;
      for (const uint64_t elements : {1, 3, 7, 8, 15, 16, 17, 31, 33, 47, 172, 1001}) {
        check_products(checks, *table, type, elements, Magnitude::ordinary, ++seed);
      }
    }
    // More columns and rows than pass by a panel at once.
    for (const WeightType& type : weight_types()) {
      check_products(checks, *table, type, 3 * superblock_elements, Magnitude::ordinary, ++seed, 90, 300);
    }
    for (const uint64_t elements : {1, 4, 8, 13, 16, 31, 48, 64, 100, 128}) check_vectors(checks, *table, elements);
    for (const uint64_t lanes : {1, 7, 8, 16, 23, 64, 80, 131}) {
      for (const uint64_t count : {1, 3, 4, 9}) check_accumulate(checks, *table, lanes, 1 + lanes % 5 * 13, count);
    }
    std::printf("%s%s: checked\n", weighbridge::name_of(table->isa), emulated ? " (emulated)" : "");
  }
  return checks.finish();
}

}  // namespace
}  // namespace weighbridge::kernel

int main(int count, char** arguments) {
  return weighbridge::kernel::run(count > 1 && std::string(arguments[1]) == "emulated");
}
