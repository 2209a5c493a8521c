#include "tensors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <tuple>

#include "quant.h"

namespace weighbridge {

namespace kernel {

namespace {

// Of a model that the kernel does not run.
constexpr const char* weigh_loading_alone = "loading can be weighed with --no-inference (weighbridge run)";

// In the order in which the forward pass needs them.
constexpr std::string_view layer_roles[] = {
    "attn_norm.weight",   "attn_q.weight", "attn_q.bias",      "attn_k.weight",      "attn_k.bias",
    "attn_v.weight",      "attn_v.bias",   "attn_q_norm.weight", "attn_k_norm.weight", "attn_output.weight",
    "attn_output.bias",   "ffn_norm.weight", "ffn_gate.weight", "ffn_up.weight",      "ffn_down.weight",
};
// Those of models that normalize heads.
constexpr std::string_view head_norms[] = {"attn_q_norm.weight", "attn_k_norm.weight"};

constexpr std::string_view global_names[] = {"token_embd.weight",        "rope_freqs.weight",  "rope_factors_short.weight",
                                             "rope_factors_long.weight", "output_norm.weight", "output.weight"};

// Rotation tables that old converters left in the file; the pass computes its own.
constexpr std::array<std::string_view, 2> unneeded_roles = {"attn_rot_embd.weight", "attention.rotary_emb.inv_freq"};

struct LayerName {
  uint64_t layer;
  std::string_view role;
};

// "blk.7.attn_q.weight" is role "attn_q.weight" of layer 7.
std::optional<LayerName> layer_name(std::string_view name) {
  constexpr std::string_view prefix = "blk.";
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  uint64_t layer = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  if (error != std::errc() || end == name.data() + name.size() || *end != '.') return std::nullopt;
  return LayerName{layer, name.substr(static_cast<size_t>(end - name.data()) + 1)};
}

std::string shape_text(std::span<const uint64_t> shape) {
  std::string text;
  for (const uint64_t size : shape) text += (text.empty() ? "" : " × ") + std::to_string(size);
  return text;
}

[[noreturn]] void bad_shape(const gguf::Tensor& tensor, std::span<const uint64_t> wanted) {
  throw Error(Reason{.code = "bad-shape",
                     .operation = "tensors",
                     .message = "tensor " + tensor.name + " is " +
                                shape_text(std::span(tensor.shape).first(std::min<size_t>(tensor.dimensions, 4))) +
                                ", its metadata makes it " + shape_text(wanted),
                     .remedy = "convert the model again"});
}

[[noreturn]] void unsupported_type(const gguf::Tensor& tensor, std::string known) {
  const gguf::TypeTraits* traits = gguf::traits(tensor.type);
  const std::string type = traits != nullptr ? traits->name : std::to_string(static_cast<uint32_t>(tensor.type));
  throw Error(Reason{.code = "unsupported-type",
                     .operation = "tensors",
                     .message = "tensor " + tensor.name + " has type " + type +
                                ", which this kernel does not compute with",
                     .remedy = "use a model of " + known + "; " + weigh_loading_alone});
}

std::string known_types() {
  std::string text;
  for (const WeightType& type : weight_types()) {
    text += (text.empty() ? "" : ", ") + std::string(gguf::traits(type.type)->name);
  }
  return text;
}

void check_shape(const gguf::Tensor& tensor, std::span<const uint64_t> wanted) {
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] != (i < wanted.size() ? wanted[i] : 1)) bad_shape(tensor, wanted);
  }
}

// The size in the file follows from type and shape; that a parser has said otherwise would be read out of bounds.
void check_bytes(const gguf::Tensor& tensor, uint64_t elements_a_block, uint64_t bytes_a_block) {
  const std::optional<uint64_t> elements = checked_multiply(tensor.shape[0], tensor.shape[1]);
  const bool whole = tensor.shape[0] % elements_a_block == 0;
  const std::optional<uint64_t> bytes =
      elements && whole ? checked_multiply(*elements / elements_a_block, bytes_a_block) : std::nullopt;
  if (!bytes || *bytes != tensor.bytes) {
    throw Error(Reason{.code = "bad-shape",
                       .operation = "tensors",
                       .message = "tensor " + tensor.name + ": rows of " + std::to_string(tensor.shape[0]) +
                                  " elements do not divide into blocks of " + std::to_string(elements_a_block),
                       .remedy = "convert the model again"});
  }
}

// Large models have hundreds of tensors, and finding them is part of the time to the first token.
class Index {
 public:
  explicit Index(const gguf::Model& model) {
    tensors_.reserve(model.tensors.size());
    for (const gguf::Tensor& tensor : model.tensors) tensors_.push_back(&tensor);
    std::ranges::stable_sort(tensors_, {}, name_of_tensor);
  }

  const gguf::Tensor* find(std::string_view name) const {
    const auto at = std::ranges::lower_bound(tensors_, name, {}, name_of_tensor);
    return at != tensors_.end() && (*at)->name == name ? *at : nullptr;
  }

  const gguf::Tensor& get(const std::string& name) const {
    const gguf::Tensor* tensor = find(name);
    if (tensor == nullptr) {
      throw Error(Reason{.code = "missing-tensor",
                         .operation = "tensors",
                         .message = "the model has no tensor " + name,
                         .remedy = "convert the model again, or name the first part of a split model"});
    }
    return *tensor;
  }

 private:
  static std::string_view name_of_tensor(const gguf::Tensor* tensor) { return tensor->name; }
  std::vector<const gguf::Tensor*> tensors_;
};

const gguf::Tensor* matrix(const Index& index, const std::string& name, uint64_t rows, uint64_t columns) {
  const gguf::Tensor& tensor = index.get(name);
  const WeightType* type = weight_type(tensor.type);
  if (type == nullptr) unsupported_type(tensor, known_types());
  check_shape(tensor, std::array{columns, rows});
  check_bytes(tensor, type->elements, type->bytes);
  return &tensor;
}

const gguf::Tensor* vector(const Index& index, const std::string& name, uint64_t size) {
  const gguf::Tensor& tensor = index.get(name);
  if (tensor.type != gguf::TensorType::F32) unsupported_type(tensor, "F32 for tensors of one dimension");
  check_shape(tensor, std::array{size});
  check_bytes(tensor, 1, sizeof(float));
  return &tensor;
}

bool known(const gguf::Tensor& tensor, uint64_t layers, const Architecture& architecture) {
  const std::optional<LayerName> name = layer_name(tensor.name);
  if (!name) return std::ranges::count(global_names, tensor.name) != 0;
  if (name->layer >= layers) return false;
  if (std::ranges::count(head_norms, name->role) != 0) return architecture.normalizes_heads;
  return std::ranges::count(layer_roles, name->role) != 0 || std::ranges::count(unneeded_roles, name->role) != 0;
}

// A tensor that the pass does not know may change what it should compute: better no answer than a wrong one.
void refuse_unknown(const gguf::Model& model, uint64_t layers) {
  const Architecture& architecture = architecture_of(model);
  for (const gguf::Tensor& tensor : model.tensors) {
    if (known(tensor, layers, architecture)) continue;
    refuse_architecture("tensor " + tensor.name + " is not part of the forward pass that this kernel runs for " +
                        std::string(architecture.name));
  }
}

// Sorts before others what the forward pass needs before them.
struct Turn {
  uint64_t stage;
  uint64_t layer;
  uint64_t role;
  auto operator<=>(const Turn&) const = default;
};

Turn turn_of(const gguf::Tensor& tensor) {
  enum : uint64_t { embedding, rope, layers, output_norm, output, unneeded };
  if (tensor.name == "token_embd.weight") return {embedding, 0, 0};
  if (tensor.name.starts_with("rope_")) return {rope, 0, 0};
  if (tensor.name == "output_norm.weight") return {output_norm, 0, 0};
  if (tensor.name == "output.weight") return {output, 0, 0};
  const std::optional<LayerName> name = layer_name(tensor.name);
  if (!name || std::ranges::count(unneeded_roles, name->role) != 0) return {unneeded, 0, 0};
  const auto role = std::ranges::find(layer_roles, name->role) - std::begin(layer_roles);
  return {layers, name->layer, static_cast<uint64_t>(role)};
}

}  // namespace

void refuse_architecture(std::string message, std::string remedy) {
  throw Error(Reason{.code = "unsupported-architecture",
                     .operation = "hyperparameters",
                     .message = std::move(message),
                     .remedy = (remedy.empty() ? "use a dense model of the LLaMA family" : std::move(remedy)) + "; " +
                               weigh_loading_alone});
}

ModelTensors<const gguf::Tensor*> find_tensors(const gguf::Model& model, const Hyperparameters& shape) {
  const uint64_t width = shape.width;
  const uint64_t queries = uint64_t{shape.heads} * shape.key_length;
  const uint64_t keys = uint64_t{shape.kv_heads} * shape.key_length;
  const uint64_t values = uint64_t{shape.kv_heads} * shape.value_length;
  const uint64_t attended = uint64_t{shape.heads} * shape.value_length;
  refuse_unknown(model, shape.layers);
  const Index index(model);

  ModelTensors<const gguf::Tensor*> found = {};
  found.embedding = matrix(index, "token_embd.weight", shape.vocabulary, width);
  const auto optional = [&index](const std::string& name, uint64_t size) -> const gguf::Tensor* {
    return index.find(name) == nullptr ? nullptr : vector(index, name, size);
  };
  found.rope_divisors = optional("rope_freqs.weight", shape.rope_dimensions / 2);
  found.rope_divisors_short = optional("rope_factors_short.weight", shape.rope_dimensions / 2);
  found.rope_divisors_long = optional("rope_factors_long.weight", shape.rope_dimensions / 2);
  const bool normalizes_heads = architecture_of(model).normalizes_heads;
  for (uint64_t layer = 0; layer < shape.layers; ++layer) {
    const auto name = [layer](std::string_view role) { return "blk." + std::to_string(layer) + "." + std::string(role); };
    const auto head_norm = [&](std::string_view role) {
      return normalizes_heads ? vector(index, name(role), shape.key_length) : nullptr;
    };
    found.layers.push_back({.attention_norm = vector(index, name("attn_norm.weight"), width),
                            .query = matrix(index, name("attn_q.weight"), queries, width),
                            .query_bias = optional(name("attn_q.bias"), queries),
                            .key = matrix(index, name("attn_k.weight"), keys, width),
                            .key_bias = optional(name("attn_k.bias"), keys),
                            .value = matrix(index, name("attn_v.weight"), values, width),
                            .value_bias = optional(name("attn_v.bias"), values),
                            .query_norm = head_norm("attn_q_norm.weight"),
                            .key_norm = head_norm("attn_k_norm.weight"),
                            .attention_output = matrix(index, name("attn_output.weight"), width, attended),
                            .attention_output_bias = optional(name("attn_output.bias"), width),
                            .feed_forward_norm = vector(index, name("ffn_norm.weight"), width),
                            .gate = matrix(index, name("ffn_gate.weight"), shape.feed_forward, width),
                            .up = matrix(index, name("ffn_up.weight"), shape.feed_forward, width),
                            .down = matrix(index, name("ffn_down.weight"), width, shape.feed_forward)});
  }
  found.output_norm = vector(index, "output_norm.weight", width);
  found.tied = index.find("output.weight") == nullptr;
  found.output = found.tied ? found.embedding : matrix(index, "output.weight", shape.vocabulary, width);
  return found;
}

TensorRange range_of_row(const TensorRange& matrix, uint64_t rows, uint64_t row) {
  const uint64_t bytes = matrix.bytes / rows;
  return {matrix.part, matrix.offset + row * bytes, bytes};
}

}  // namespace kernel

std::vector<TensorRange> forward_order(const gguf::Model& model) {
  std::vector<std::pair<kernel::Turn, const gguf::Tensor*>> turns;
  turns.reserve(model.tensors.size());
  for (const gguf::Tensor& tensor : model.tensors) turns.emplace_back(kernel::turn_of(tensor), &tensor);
  std::ranges::stable_sort(turns, {}, [](const auto& turn) { return turn.first; });
  std::vector<TensorRange> order;
  order.reserve(turns.size());
  for (const auto& [turn, tensor] : turns) order.push_back(kernel::range_of(*tensor));
  return order;
}

int32_t beginning_of(const gguf::Model& model, uint32_t vocabulary) {
  const uint64_t token = model.unsigned_value("tokenizer.ggml.bos_token_id").value_or(1);
  return token < vocabulary ? static_cast<int32_t>(token) : 0;
}

std::vector<TensorRange> needed_for_first_token(const gguf::Model& model, int32_t token) {
  const Hyperparameters shape = hyperparameters(model);
  if (token < 0 || static_cast<uint32_t>(token) >= shape.vocabulary) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "forward",
                       .message = "token " + std::to_string(token) + " is not below the vocabulary's " +
                                  std::to_string(shape.vocabulary)});
  }
  const auto tensors = kernel::find_tensors(model, shape);
  std::vector<TensorRange> needed;
  const TensorRange embedding = kernel::range_of(*tensors.embedding);
  needed.push_back(tensors.tied ? embedding
                                : kernel::range_of_row(embedding, shape.vocabulary, static_cast<uint32_t>(token)));
  const auto need = [&needed](std::initializer_list<const gguf::Tensor*> each) {
    for (const gguf::Tensor* tensor : each) {
      if (tensor != nullptr) needed.push_back(kernel::range_of(*tensor));
    }
  };
  need({tensors.rope_divisors, tensors.rope_divisors_short, tensors.rope_divisors_long});
  for (const auto& layer : tensors.layers) {
    need({layer.attention_norm, layer.query, layer.query_bias, layer.key, layer.key_bias, layer.value, layer.value_bias,
          layer.query_norm, layer.key_norm, layer.attention_output, layer.attention_output_bias,
          layer.feed_forward_norm, layer.gate, layer.up, layer.down});
  }
  needed.push_back(kernel::range_of(*tensors.output_norm));
  if (!tensors.tied) needed.push_back(kernel::range_of(*tensors.output));
  return needed;
}

}  // namespace weighbridge
