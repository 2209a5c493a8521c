// The forward pass, top to bottom. Phases are separated by the end of ThreadPool::run; with one token everything
// between two products is done by the caller, since waking the others would cost more.
//
// Source of the computation: Touvron et al. 2023 (arXiv:2302.13971), and the models of llama.cpp by the same names.
#include <algorithm>
#include <cmath>

#include "session.h"

namespace weighbridge {

using namespace kernel;

// Tokens `from` … `count` − 1 of a step's batch, at positions position + from …
struct Session::State::Columns {
  uint64_t from;
  uint64_t count;
  uint64_t position;
  uint64_t size() const noexcept { return count - from; }
};

// Queries of one head of keys, and where their results go. Query c attends to positions below first_end + c · end_step.
struct Session::State::Queries {
  const float* data;
  uint64_t stride;
  uint64_t count;
  uint64_t first_end;
  uint64_t end_step;
  float* out;
  uint64_t out_stride;
  uint64_t end(uint64_t c) const noexcept { return first_end + c * end_step; }
};

namespace {

struct Share {
  uint64_t from;
  uint64_t to;
};

// Thread `index`'s part of `total` items, in whole units where that is possible.
Share share_of(uint64_t total, uint64_t unit, uint64_t index, uint64_t threads) noexcept {
  const uint64_t units = (total + unit - 1) / unit;
  return {std::min(total, units * index / threads * unit), std::min(total, units * (index + 1) / threads * unit)};
}

// Rows of a product are divided so that no two threads write to the same cache line of an aligned result.
constexpr uint64_t row_unit = 16;

// Rows [from, to) of the matrix times all columns, written where the whole product would have them.
void multiply_rows(const BoundTensor& matrix, Share rows, const Activations& columns, float* out, uint64_t out_stride) {
  if (rows.from == rows.to) return;
  matrix.multiply({matrix.data + rows.from * matrix.row_bytes, rows.to - rows.from, matrix.row_bytes}, columns,
                  out + rows.from, out_stride);
}

// Adds rows [from, to) of a vector to each column, if the model has one.
void add_bias(const BoundTensor& bias, Share rows, uint64_t count, float* out, uint64_t out_stride) {
  if (bias.data == nullptr) return;
  for (uint64_t c = 0; c < count; ++c) {
    float* column = out + c * out_stride;
    for (uint64_t r = rows.from; r < rows.to; ++r) column[r] += load<float>(bias.data + r * sizeof(float));
  }
}

// out = x / sqrt(mean(x²) + epsilon) · weight
void rms_norm(const float* x, uint64_t count, const std::byte* weight, float epsilon, float* out) noexcept {
  double sums[4] = {};
  uint64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (uint64_t lane = 0; lane < 4; ++lane) sums[lane] += static_cast<double>(x[i + lane]) * x[i + lane];
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(x[i]) * x[i];
  const double mean = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / static_cast<double>(count);
  const float factor = 1.0f / std::sqrt(static_cast<float>(mean) + epsilon);
  for (i = 0; i < count; ++i) out[i] = x[i] * factor * load<float>(weight + i * sizeof(float));
}

bool takes_quants(const BoundTensor& matrix) noexcept { return matrix.type->form == ActivationForm::quants; }

}  // namespace

template <class Work>
void Session::State::for_each_column(const Columns& columns, Work&& work) {
  if (columns.size() == 1) {
    work(columns.from);
    return;
  }
  pool.run([&](uint32_t index) {
    const Share share = share_of(columns.size(), 1, index, pool.size());
    for (uint64_t c = columns.from + share.from; c < columns.from + share.to; ++c) work(c);
  });
}

float* Session::State::key_cache(uint32_t layer, uint64_t kv_head) const noexcept {
  const uint64_t head = uint64_t{layer} * shape.kv_heads + kv_head;
  return reinterpret_cast<float*>(cache.data()) + head * cached_positions(context) * shape.key_length;
}

float* Session::State::value_cache(uint32_t layer, uint64_t kv_head) const noexcept {
  const uint64_t positions = cached_positions(context);
  const uint64_t keys = uint64_t{shape.layers} * shape.kv_heads * positions * shape.key_length;
  const uint64_t head = uint64_t{layer} * shape.kv_heads + kv_head;
  return reinterpret_cast<float*>(cache.data()) + keys + head * positions * shape.value_length;
}

void Session::State::remember(uint32_t layer, uint64_t position, const float* keys, const float* values) noexcept {
  const uint64_t block = position / position_block, lane = position % position_block;
  for (uint64_t head = 0; head < shape.kv_heads; ++head) {
    float* turned = key_cache(layer, head) + block * position_block * shape.key_length + lane;
    for (uint64_t i = 0; i < shape.key_length; ++i) turned[i * position_block] = keys[head * shape.key_length + i];
    std::copy_n(values + head * shape.value_length, shape.value_length,
                value_cache(layer, head) + position * shape.value_length);
  }
}

void Session::State::learn_frequencies() {
  const BoundTensor* divisors = &tensors.rope_divisors;
  if (divisors->data == nullptr && scaling.has_two_factor_sets) {
    divisors = context > scaling.original_context ? &tensors.rope_divisors_long : &tensors.rope_divisors_short;
  }
  if (divisors->data != nullptr) weights->ready(divisors->range);
  rotation_frequencies(shape, scaling, divisors->data, frequencies);
  frequencies_known = true;
}

void Session::State::embed(std::span<const int32_t> tokens) {
  const BoundTensor& embedding = tensors.embedding;
  for (uint64_t c = 0; c < tokens.size(); ++c) {
    const auto token = static_cast<uint64_t>(tokens[c]);
    weights->ready(range_of_row(embedding.range, embedding.rows, token));
    embedding.type->decode(embedding.data + token * embedding.row_bytes, shape.width,
                           at(layout.residual) + c * shape.width);
  }
}

// Each head by its own norm, in place.
void Session::State::normalize_heads(float* heads, uint64_t count, const BoundTensor& weight) const noexcept {
  if (weight.data == nullptr) return;
  for (uint64_t head = 0; head < count; ++head, heads += shape.key_length) {
    rms_norm(heads, shape.key_length, weight.data, shape.norm_epsilon, heads);
  }
}

void Session::State::rotate(float* heads, uint64_t count, const float* rotations) const noexcept {
  const uint64_t pairs = shape.rope_dimensions / 2;
  const uint64_t step = rotates_halves ? 1 : 2;
  const uint64_t apart = rotates_halves ? pairs : 1;
  for (uint64_t head = 0; head < count; ++head) {
    float* first = heads + head * shape.key_length;
    for (uint64_t i = 0; i < pairs; ++i) {
      float& a = first[i * step];
      float& b = first[i * step + apart];
      const float x = a, y = b, cosine = rotations[2 * i], sine = rotations[2 * i + 1];
      a = x * cosine - y * sine;
      b = x * sine + y * cosine;
    }
  }
}

void Session::State::quantize_operand(const Columns& columns, const float* values, uint64_t elements, bool wanted) {
  if (!wanted) return;
  const uint64_t blocks = elements / block_elements;
  for_each_column(columns, [&](uint64_t c) {
    quantize(values + c * elements, elements, at<int8_t>(layout.quants) + c * elements, at(layout.scales) + c * blocks,
             at<int32_t>(layout.eight_sums) + c * blocks);
  });
}

Activations Session::State::operand(const Columns& columns, const float* values, uint64_t elements) const noexcept {
  const uint64_t blocks = elements / block_elements;
  return {values + columns.from * elements,
          at<int8_t>(layout.quants) + columns.from * elements,
          at(layout.scales) + columns.from * blocks,
          at<int32_t>(layout.eight_sums) + columns.from * blocks,
          elements,
          columns.size()};
}

// input = norm(residual)
void Session::State::normalize(const Columns& columns, const BoundTensor& weight) {
  weights->ready(weight.range);
  const uint64_t width = shape.width;
  for_each_column(columns, [&](uint64_t c) {
    rms_norm(at(layout.residual) + c * width, width, weight.data, shape.norm_epsilon, at(layout.input) + c * width);
  });
}

// Queries into scratch, keys and values of the columns' positions into the cache.
void Session::State::attention_inputs(uint32_t layer, const Columns& columns) {
  const LayerTensors<BoundTensor>& of = tensors.layers[layer];
  const BoundTensor& query = of.query;
  const BoundTensor& key = of.key;
  const BoundTensor& value = of.value;
  normalize(columns, of.attention_norm);
  quantize_operand(columns, at(layout.input), shape.width,
                   takes_quants(query) || takes_quants(key) || takes_quants(value));
  for (const BoundTensor* tensor :
       {&query, &of.query_bias, &key, &of.key_bias, &value, &of.value_bias, &of.query_norm, &of.key_norm}) {
    if (tensor->data != nullptr) weights->ready(tensor->range);
  }
  const Activations input = operand(columns, at(layout.input), shape.width);
  pool.run([&](uint32_t index) {
    const auto product = [&](const BoundTensor& matrix, const BoundTensor& bias, float* all) {
      const Share rows = share_of(matrix.rows, row_unit, index, pool.size());
      float* out = all + columns.from * matrix.rows;
      multiply_rows(matrix, rows, input, out, matrix.rows);
      add_bias(bias, rows, columns.size(), out, matrix.rows);
    };
    product(query, of.query_bias, at(layout.query));
    product(key, of.key_bias, at(layout.key));
    product(value, of.value_bias, at(layout.value));
  });
  for_each_column(columns, [&](uint64_t c) {
    const uint64_t position = columns.position + c;
    const float* rotations = at(layout.rotations) + c * shape.rope_dimensions;
    float* queries = at(layout.query) + c * query.rows;
    float* keys = at(layout.key) + c * key.rows;
    normalize_heads(queries, shape.heads, of.query_norm);
    normalize_heads(keys, shape.kv_heads, of.key_norm);
    rotate(queries, shape.heads, rotations);
    rotate(keys, shape.kv_heads, rotations);
    remember(layer, position, keys, at(layout.value) + c * value.rows);
  });
}

// Σ over positions of softmax(query · key / √key_length) · value, for queries that share a head's keys and values. A
// result does not depend on the queries beside it.
void Session::State::attend_together(uint32_t layer, uint64_t kv_head, const Queries& of, float* scores) const {
  const float* keys = key_cache(layer, kv_head);
  const float* values = value_cache(layer, kv_head);
  const uint64_t stride = cached_positions(context);
  const float scale = 1.0f / std::sqrt(static_cast<float>(shape.key_length));
  const VectorColumns queries = {of.data, of.stride, of.count};
  const uint64_t last_end = of.end(of.count - 1);
  for (uint64_t first = begin_of(of.end(0)) / position_block * position_block; first < last_end;
       first += position_block) {
    for (uint64_t c = 0; c < of.count; ++c) std::fill_n(scores + c * stride + first, position_block, 0.0f);
    dots.accumulate({keys + first * shape.key_length, position_block, shape.key_length, position_block}, queries,
                    scores + first, stride);
  }
  for (uint64_t c = 0; c < of.count; ++c) {
    const uint64_t begin = begin_of(of.end(c));
    dots.softmax(scores + c * stride + begin, of.end(c) - begin, scale);
    std::fill_n(of.out + c * of.out_stride, shape.value_length, 0.0f);
  }
  const auto add_values = [&](uint64_t begin, uint64_t end, uint64_t c, uint64_t count) {
    if (begin >= end) return;
    dots.accumulate({values + begin * shape.value_length, shape.value_length, end - begin, shape.value_length},
                    {scores + c * stride + begin, stride, count}, of.out + c * of.out_stride, of.out_stride);
  };
  // What all attend to, they read together; before it and behind it, each for itself.
  const uint64_t common_end = of.end(0);
  const uint64_t common = std::min(begin_of(last_end), common_end);
  for (uint64_t c = 0; c < of.count; ++c) add_values(begin_of(of.end(c)), std::min(common, of.end(c)), c, 1);
  add_values(common, common_end, 0, of.count);
  for (uint64_t c = 0; c < of.count; ++c) {
    add_values(std::max(begin_of(of.end(c)), common_end), of.end(c), c, 1);
  }
}

// input = attention of every head. One token's heads go together where they share keys; of several tokens, a head's do.
void Session::State::attend(uint32_t layer, const Columns& columns) {
  const uint64_t heads = shape.heads;
  const uint64_t heads_a_kv_head = heads / shape.kv_heads;
  const uint64_t query_width = heads * shape.key_length, out_width = heads * shape.value_length;
  const auto queries_of = [&](uint64_t head, uint64_t c) {
    return Queries{.data = at(layout.query) + c * query_width + head * shape.key_length,
                   .stride = shape.key_length,
                   .count = 1,
                   .first_end = columns.position + c + 1,
                   .end_step = 0,
                   .out = at(layout.input) + c * out_width + head * shape.value_length,
                   .out_stride = shape.value_length};
  };
  pool.run([&](uint32_t index) {
    float* scores = at(layout.scores) + index * attention_columns * cached_positions(context);
    if (columns.size() == 1) {
      const Share share = share_of(heads, 1, index, pool.size());
      for (uint64_t head = share.from; head < share.to;) {
        const uint64_t kv_head = head / heads_a_kv_head;
        Queries queries = queries_of(head, columns.from);
        queries.count = std::min({share.to - head, (kv_head + 1) * heads_a_kv_head - head, attention_columns});
        attend_together(layer, kv_head, queries, scores);
        head += queries.count;
      }
      return;
    }
    const uint64_t groups = (columns.size() + attention_columns - 1) / attention_columns;
    const Share items = share_of(heads * groups, 1, index, pool.size());
    for (uint64_t item = items.from; item < items.to; ++item) {
      const uint64_t head = item / groups, c = columns.from + item % groups * attention_columns;
      Queries queries = queries_of(head, c);
      queries.stride = query_width, queries.out_stride = out_width, queries.end_step = 1;
      queries.count = std::min(columns.count - c, attention_columns);
      attend_together(layer, head / heads_a_kv_head, queries, scores);
    }
  });
}

// residual += matrix · values + bias
void Session::State::add_product(const Columns& columns, const BoundTensor& matrix, const BoundTensor& bias,
                                 const float* values, uint64_t elements) {
  quantize_operand(columns, values, elements, takes_quants(matrix));
  weights->ready(matrix.range);
  if (bias.data != nullptr) weights->ready(bias.range);
  const Activations input = operand(columns, values, elements);
  pool.run([&](uint32_t index) {
    const Share rows = share_of(matrix.rows, row_unit, index, pool.size());
    float* out = at(layout.update) + columns.from * matrix.rows;
    multiply_rows(matrix, rows, input, out, matrix.rows);
    add_bias(bias, rows, columns.size(), out, matrix.rows);
    for (uint64_t c = columns.from; c < columns.count; ++c) {
      float* residual = at(layout.residual) + c * matrix.rows;
      const float* update = at(layout.update) + c * matrix.rows;
      for (uint64_t r = rows.from; r < rows.to; ++r) residual[r] += update[r];
    }
  });
}

// residual += down · (silu(gate · norm(residual)) × (up · norm(residual)))
void Session::State::feed_forward(const LayerTensors<BoundTensor>& layer, const Columns& columns) {
  normalize(columns, layer.feed_forward_norm);
  quantize_operand(columns, at(layout.input), shape.width, takes_quants(layer.gate) || takes_quants(layer.up));
  weights->ready(layer.gate.range);
  weights->ready(layer.up.range);
  const Activations input = operand(columns, at(layout.input), shape.width);
  const uint64_t size = shape.feed_forward;
  pool.run([&](uint32_t index) {
    const Share rows = share_of(size, row_unit, index, pool.size());
    multiply_rows(layer.gate, rows, input, at(layout.hidden) + columns.from * size, size);
    multiply_rows(layer.up, rows, input, at(layout.up) + columns.from * size, size);
    for (uint64_t c = columns.from; c < columns.count; ++c) {
      dots.gate(at(layout.hidden) + c * size + rows.from, at(layout.up) + c * size + rows.from, rows.to - rows.from);
    }
  });
  add_product(columns, layer.down, {}, at(layout.hidden), size);
}

void Session::State::step(std::span<const int32_t> tokens, float* logits, uint32_t rows) {
  const Columns all = {0, tokens.size(), filled};
  // The last layer is finished only for the tokens whose logits are asked for.
  const Columns last = {tokens.size() - rows, tokens.size(), filled};
  embed(tokens);
  if (!frequencies_known) learn_frequencies();
  for_each_column(all, [&](uint64_t c) {
    float* rotations = at(layout.rotations) + c * shape.rope_dimensions;
    for (uint64_t i = 0; i < frequencies.size(); ++i) {
      const double angle = static_cast<double>(filled + c) * frequencies[i];
      rotations[2 * i] = static_cast<float>(std::cos(angle) * scaling.attention);
      rotations[2 * i + 1] = static_cast<float>(std::sin(angle) * scaling.attention);
    }
  });
  for (uint32_t layer = 0; layer < shape.layers; ++layer) {
    attention_inputs(layer, all);
    const Columns& columns = layer + 1 < shape.layers ? all : last;
    if (columns.size() == 0) break;
    attend(layer, columns);
    add_product(columns, tensors.layers[layer].attention_output, tensors.layers[layer].attention_output_bias,
                at(layout.input), uint64_t{shape.heads} * shape.value_length);
    feed_forward(tensors.layers[layer], columns);
  }
  if (rows > 0) {
    normalize(last, tensors.output_norm);
    const BoundTensor& output = tensors.output;
    quantize_operand(last, at(layout.input), shape.width, takes_quants(output));
    weights->ready(output.range);
    const Activations input = operand(last, at(layout.input), shape.width);
    pool.run([&](uint32_t index) {
      multiply_rows(output, share_of(output.rows, row_unit, index, pool.size()), input, logits, output.rows);
    });
  }
  filled += static_cast<uint32_t>(tokens.size());
}

}  // namespace weighbridge
