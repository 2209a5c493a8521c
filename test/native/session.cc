// A session against weights that arrive only when asked for: what ready() was not asked for stays filled with NaNs.
// Argument: the folder of the fixture models.
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "../../native/kernel/llama.h"
#include "allocations.h"
#include "checks.h"

namespace weighbridge {
namespace {

class LateWeights : public Weights {
 public:
  explicit LateWeights(const gguf::Model& model) : file_(model.parts[0].bytes), arena_(file_.size(), std::byte{0xff}) {
    read_exact(open_file(model.parts[0].path, O_RDONLY), file_, 0, model.parts[0].path);
    arrived_.reserve(4096);
    asked_.reserve(4096);
  }
  const std::byte* address(const TensorRange& range) const override { return arena_.data() + range.offset; }
  void ready(const TensorRange& range) override {
    const std::lock_guard lock(mutex_);
    asking_threads_.insert(std::this_thread::get_id());
    asked_.push_back(range.offset);
    if (range.offset <= refused_ && refused_ < range.offset + range.bytes) {
      throw Error(Reason{.code = "io-error", .operation = "pread", .message = "refused"});
    }
    std::memcpy(arena_.data() + range.offset, file_.data() + range.offset, range.bytes);
    arrived_.push_back({range.offset, range.offset + range.bytes});
  }
  void refuse(uint64_t offset) { refused_ = offset; }
  // Whether ready() was only ever called on this thread.
  bool asked_only_here() const {
    return asking_threads_.size() == 1 && asking_threads_.contains(std::this_thread::get_id());
  }
  // Offsets of the ranges asked for, in the order of asking.
  const std::vector<uint64_t>& asked() const { return asked_; }
  void forget() {
    arrived_.clear();
    asked_.clear();
    std::ranges::fill(arena_, std::byte{0xff});
  }
  std::vector<std::pair<uint64_t, uint64_t>> arrived() const {
    auto sorted = arrived_;
    std::ranges::sort(sorted);
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    return sorted;
  }

 private:
  std::vector<std::byte> file_;
  std::vector<std::byte> arena_;
  std::vector<std::pair<uint64_t, uint64_t>> arrived_;
  std::vector<uint64_t> asked_;
  std::set<std::thread::id> asking_threads_;
  uint64_t refused_ = UINT64_MAX;
  std::mutex mutex_;
};

void check_model(testing::Checks& checks, const std::string& path, const std::string& what) {
  const gguf::Model model = gguf::parse(path);
  const Hyperparameters shape = hyperparameters(model);
  LateWeights weights(model);
  Session session(shape, 16, 4, 2, available_isas().back());
  const std::vector<int32_t> tokens = {1, 7, 300, 42, 511, 99};
  std::vector<float> logits(shape.vocabulary), again(shape.vocabulary);

  session.bind(model, weights);
  checks.check(weights.arrived().empty(), what + ": bind() reads no weights");
  session.forward({tokens.data(), 1}, 0, logits);
  checks.check(std::ranges::all_of(logits, [](float x) { return std::isfinite(x); }),
               what + ": no weight is used before it is ready");

  std::vector<std::pair<uint64_t, uint64_t>> needed;
  for (const TensorRange& range : needed_for_first_token(model, 1)) {
    needed.push_back({range.offset, range.offset + range.bytes});
  }
  std::ranges::sort(needed);
  checks.check(weights.arrived() == needed, what + ": the first token asks for exactly what it is said to need");

  const std::vector<TensorRange> order = forward_order(model);
  checks.check(order.size() == model.tensors.size(), what + ": every tensor has its turn");
  const uint64_t sum = session.touch(order);
  Session other(shape, 16, 4, 3, available_isas().front());
  other.bind(model, weights);
  checks.check(sum != 0 && other.touch(order) == sum, what + ": the sum of all bytes does not depend on threads");

  session.forward(tokens, 0, logits);
  const uint64_t before = allocations.load();
  session.clear();
  session.forward(tokens, 0, again);
  const uint64_t after = allocations.load();
  checks.check(after == before, what + ": forward() allocates nothing");
  checks.check(logits == again, what + ": the same tokens give the same logits");

  const gguf::Tensor& late = *model.tensor("blk.1.ffn_down.weight");
  weights.forget();
  weights.refuse(late.offset);
  std::string code;
  try {
    session.forward(tokens, 0, again);
  } catch (const Error& error) {
    code = error.reason().code;
  }
  checks.check(code == "io-error", what + ": what ready() throws reaches the caller");
  weights.refuse(UINT64_MAX);
  session.forward(tokens, 0, again);
  checks.check(logits == again, what + ": the session goes on after it");

  weights.forget();
  weights.refuse(order[order.size() / 2].offset);
  code.clear();
  try {
    session.touch(order);
  } catch (const Error& error) {
    code = error.reason().code;
  }
  checks.check(code == "io-error", what + ": what ready() throws while all is summed reaches the caller");
  checks.check(weights.asked().size() == order.size() / 2 + 1, what + ": nothing is asked for after an error");
  weights.refuse(UINT64_MAX);
  weights.forget();
  checks.check(session.touch(order) == sum, what + ": the threads sum again after an error, and see arrived bytes only");
  std::vector<uint64_t> offsets;
  for (const TensorRange& range : order) offsets.push_back(range.offset);
  checks.check(weights.asked() == offsets, what + ": each range is asked for once, in order");
  checks.check(weights.asked_only_here(), what + ": ready() is only called on the caller's thread");
}

// A model that says other than its metadata, changed after parsing as no file could be.
template <class Change>
std::string refusal(const std::string& path, Change change) {
  gguf::Model model = gguf::parse(path);
  change(model);
  try {
    hyperparameters(model);
  } catch (const Error& error) {
    return error.reason().code;
  }
  return "";
}

gguf::Tensor& tensor(gguf::Model& model, const std::string& name) {
  return *std::ranges::find(model.tensors, name, &gguf::Tensor::name);
}

void check_refusals(testing::Checks& checks, const std::string& path) {
  const auto expect = [&](const char* what, const char* code, auto change) {
    const std::string got = refusal(path, change);
    checks.check(got == code, std::string(what) + " is " + code + ", not " + got);
  };
  const auto set = [](const char* key, gguf::Value value) {
    return [key, value](gguf::Model& model) {
      std::erase_if(model.metadata, [key](const gguf::KeyValue& entry) { return entry.key == key; });
      model.metadata.push_back({key, value});
    };
  };
  expect("experts", "unsupported-architecture", set("llama.expert_count", uint32_t{8}));
  expect("an unknown scaling of positions", "unsupported-architecture",
         set("llama.rope.scaling.type", std::string("dynamic")));
  expect("YaRN", "", set("llama.rope.scaling.type", std::string("yarn")));
  expect("a scaled residual", "unsupported-architecture", set("llama.residual_scale", 0.5f));
  expect("heads that differ between layers", "unsupported-architecture",
         set("llama.attention.head_count_kv", gguf::Array{4, 2, {}}));
  expect("odd rotation", "malformed", set("llama.rope.dimension_count", uint32_t{63}));
  expect("a rotation base that is no number", "malformed", set("llama.rope.freq_base", std::nanf("")));
  expect("an unusual head size", "bad-shape", set("llama.attention.key_length", uint32_t{128}));
  expect("a bias that the pass does not add", "unsupported-architecture",
         [](gguf::Model& model) { tensor(model, "blk.0.attn_q.weight").name = "blk.0.ffn_up.bias"; });
  expect("a norm that is not F32", "unsupported-type",
         [](gguf::Model& model) { tensor(model, "output_norm.weight").type = gguf::TensorType::F16; });
  expect("a size that contradicts the shape", "bad-shape",
         [](gguf::Model& model) { tensor(model, "blk.0.attn_q.weight").bytes -= 1; });
  expect("a model without embedding", "missing-tensor", [](gguf::Model& model) {
    std::erase_if(model.tensors, [](const gguf::Tensor& each) { return each.name == "token_embd.weight"; });
  });
  expect("a tensor that belongs to no layer", "unsupported-architecture",
         [](gguf::Model& model) { model.tensors.emplace_back(model.tensors.front()).name = "altogether_new.weight"; });
  expect("a tensor of a layer too many", "unsupported-architecture",
         [](gguf::Model& model) { model.tensors.emplace_back(model.tensors.front()).name = "blk.2.attn_norm.weight"; });
  expect("attention to later tokens", "unsupported-architecture", set("llama.attention.causal", false));
  expect("attention to earlier tokens only", "", set("llama.attention.causal", true));
  expect("a factor of rotated keys", "", set("llama.rope.scaling.attn_factor", 0.5f));
  expect("a factor of rotated keys that is no number", "malformed", set("llama.rope.scaling.attn_factor", std::nanf("")));
  expect("a factor of 1", "", set("llama.rope.scaling.attn_factor", 1.0f));
  expect("a scaling that is negative", "malformed", set("llama.rope.scaling.factor", -2.0f));
}

// What position 3 is computed as follows from the model's metadata alone: answers tell the scaling.
void check_scaling(testing::Checks& checks, const std::string& path) {
  const auto answer = [&](std::vector<gguf::KeyValue> metadata) {
    gguf::Model model = gguf::parse(path);
    for (gguf::KeyValue& entry : metadata) model.metadata.push_back(std::move(entry));
    LateWeights weights(model);
    const Hyperparameters shape = hyperparameters(model);
    Session session(shape, 16, 4, 1, Isa::scalar);
    session.bind(model, weights);
    std::vector<float> logits(shape.vocabulary);
    session.forward(std::vector<int32_t>{1, 7, 300, 42}, 0, logits);
    return logits;
  };
  const gguf::KeyValue none = {"llama.rope.scaling.type", std::string("none")};
  const gguf::KeyValue linear = {"llama.rope.scaling.type", std::string("linear")};
  const gguf::KeyValue two = {"llama.rope.scaling.factor", 2.0f};
  const gguf::KeyValue zero = {"llama.rope.scaling.factor", 0.0f};
  const gguf::KeyValue older = {"llama.rope.scale_linear", 2.0f};
  const std::vector<float> plain = answer({}), halved = answer({linear, two});
  checks.check(plain != halved, "linear scaling changes the answer");
  checks.check(answer({two}) == halved, "a scaling without type is linear");
  checks.check(answer({older}) == halved && answer({linear, older}) == halved, "the older key is read");
  checks.check(answer({two, {"llama.rope.scale_linear", 8.0f}}) == halved, "the newer key comes first");
  checks.check(answer({linear}) == plain && answer({linear, zero}) == plain, "no factor, or 0, is no scaling");
  checks.check(answer({none, two}) == plain, "type none is no scaling, whatever the factor");
}

// Minor faults of this process so far.
uint64_t faults() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_minflt);
}

// Before any other session of this program: code is mapped once a process.
void check_warm([[maybe_unused]] testing::Checks& checks, const std::string& path) {
  const gguf::Model model = gguf::parse(path);
  const Hyperparameters shape = hyperparameters(model);
  LateWeights weights(model);
  const std::vector<TensorRange> order = forward_order(model);
  for (const TensorRange& range : order) weights.ready(range);
  weights.forget();
  std::vector<float> logits(shape.vocabulary);
  constexpr uint32_t threads = 64;
  Session session(shape, 16, 4, threads, available_isas().back());
  session.bind(model, weights);
  const uint64_t before = faults();
  session.forward(std::vector<int32_t>{1, 7, 300, 42, 5}, 0, logits);
  const uint64_t first = faults() - before;
#if defined(__SANITIZE_ADDRESS__) || defined(WEIGHBRIDGE_EMULATED)
  std::printf("skipped: page faults are those of the sanitizer or the emulator too (%llu)\n",
              static_cast<unsigned long long>(first));
#else
  checks.check(first <= 8,
               "the first forward pass finds code and stacks touched, but " + std::to_string(first) + " faults");
#endif
}

// Of this process, in bytes: what madvise(2) asked huge pages for, and what came in them. See proc_pid_smaps(5).
struct HugePages {
  uint64_t asked_for = 0;
  uint64_t given = 0;
};

HugePages huge_pages() {
  HugePages sum;
  uint64_t size = 0;
  uint64_t given = 0;
  std::ifstream file("/proc/self/smaps");
  const auto bytes_of = [](const std::string& line) { return std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10) * 1024; };
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Size:")) size = bytes_of(line);
    if (line.starts_with("AnonHugePages:")) given = bytes_of(line);
    if (!line.starts_with("VmFlags:") || (line + " ").find(" hg ") == std::string::npos) continue;
    sum.asked_for += size;
    sum.given += given;
  }
  return sum;
}

bool has_huge_pages() { return std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled").good(); }

void check_huge_pages(testing::Checks& checks, const std::string& path) {
#if defined(WEIGHBRIDGE_EMULATED)
  constexpr bool own = false;
#else
  constexpr bool own = true;
#endif
  if (!own || !has_huge_pages()) {
    std::printf("skipped: huge pages: the kernel has none, or the emulator's process is not this program's\n");
    return;
  }
  const Hyperparameters shape = hyperparameters(gguf::parse(path));
  const HugePages before = huge_pages();
  const Session small(shape, 1, 1, 3, available_isas().back());
  checks.check(huge_pages().asked_for == before.asked_for, "less than a huge page asks for none");
  const Session session(shape, 1 << 16, 1, 3, available_isas().back());
  const uint64_t cache = session.allocated().kv_cache;
  const HugePages after = huge_pages();
  checks.check(cache >= 2 << 20 && after.asked_for >= before.asked_for + cache,
               "a long context asks for huge pages: " + std::to_string(after.asked_for - before.asked_for) + " of " +
                   std::to_string(cache) + " bytes");
  std::printf("huge pages: %llu of %llu bytes that asked came in them\n",
              static_cast<unsigned long long>(after.given - before.given),
              static_cast<unsigned long long>(after.asked_for - before.asked_for));
}

int run(const std::string& models) {
  testing::Checks checks;
  check_warm(checks, models + "/tiny-Q8_0.gguf");
  for (const char* name : {"tiny-F16", "tiny-Q8_0", "tiny-Q4_0"}) {
    check_model(checks, models + "/" + name + ".gguf", name);
  }
  check_refusals(checks, models + "/tiny-Q8_0.gguf");
  check_scaling(checks, models + "/tiny-Q8_0.gguf");
  check_huge_pages(checks, models + "/tiny-Q8_0.gguf");
  return checks.finish();
}

}  // namespace
}  // namespace weighbridge

int main(int count, char** arguments) { return count == 2 ? weighbridge::run(arguments[1]) : 2; }
