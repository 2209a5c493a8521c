// Weights that are touched and summed: the checksum depends on every byte and on nothing else, and each is read once.
// Argument: the folder of the fixture models.
#include "../../native/kernel/touch.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "../../native/kernel/llama.h"
#include "allocations.h"
#include "checks.h"
#include "files.h"

namespace weighbridge {
namespace {

// Bytes at an odd address, which are not there before ready() was asked for them.
class LateBytes : public Weights {
 public:
  explicit LateBytes(std::vector<std::byte> content)
      : content_(std::move(content)), arena_(content_.size() + 1, std::byte{0xff}) {
    asked_.reserve(4096);
  }
  const std::byte* address(const TensorRange& range) const override { return arena_.data() + 1 + range.offset; }
  void ready(const TensorRange& range) override {
    if (std::this_thread::get_id() != owner_) elsewhere_ = true;
    if (range.offset == refused_) throw Error(Reason{.code = "io-error", .operation = "pread", .message = "refused"});
    std::memcpy(arena_.data() + 1 + range.offset, content_.data() + range.offset, range.bytes);
    asked_.push_back(range.offset);
  }
  std::byte& operator[](uint64_t at) { return content_[at]; }
  void refuse(uint64_t offset) { refused_ = offset; }
  const std::vector<uint64_t>& asked() const { return asked_; }
  bool asked_elsewhere() const { return elsewhere_; }

 private:
  std::vector<std::byte> content_;
  std::vector<std::byte> arena_;
  std::vector<uint64_t> asked_;
  std::thread::id owner_ = std::this_thread::get_id();
  uint64_t refused_ = UINT64_MAX;
  bool elsewhere_ = false;
};

constexpr uint64_t chunk = 64 * 1024;
// Of lengths that are no multiple of a word, of a step or of a chunk, and one of a single byte.
const std::vector<TensorRange> ranges = {{0, 0, 5 * chunk + 13}, {0, 5 * chunk + 13, 1}, {0, 5 * chunk + 14, 4096},
                                         {0, 5 * chunk + 4110, chunk}, {0, 6 * chunk + 4110, 40}};
constexpr uint64_t all_bytes = 6 * chunk + 4150;

std::string hash_of(LateBytes& weights, uint32_t threads, const std::vector<TensorRange>& order = ranges) {
  Toucher toucher(threads);
  toucher.touch(order, weights);
  return toucher.hash();
}

void check_hash(testing::Checks& checks) {
  LateBytes weights(testing::content(all_bytes, 1));
  const std::string expected = hash_of(weights, 1);
  checks.check(expected.size() == 16, "the hash has 16 digits");
  checks.check(weights.asked() == std::vector<uint64_t>{0, 5 * chunk + 13, 5 * chunk + 14, 5 * chunk + 4110, 6 * chunk + 4110},
               "each range is asked for once, in order, before it is read");
  for (const uint32_t threads : {2u, 3u, 7u, 16u}) {
    checks.check(hash_of(weights, threads) == expected, std::to_string(threads) + " threads give the hash of one");
  }
  checks.check(!weights.asked_elsewhere(), "ready() is only called on the caller's thread");

  for (const uint64_t at : {uint64_t{0}, uint64_t{7}, chunk - 1, chunk, 5 * chunk + 12, 5 * chunk + 13, 6 * chunk + 4110,
                            all_bytes - 1}) {
    for (const int bit : {0, 3, 7}) {
      weights[at] ^= std::byte{static_cast<unsigned char>(1 << bit)};
      checks.check(hash_of(weights, 2) != expected,
                   "bit " + std::to_string(bit) + " of byte " + std::to_string(at) + " counts");
      weights[at] ^= std::byte{static_cast<unsigned char>(1 << bit)};
    }
  }
  const auto exchanged = [&](uint64_t a, uint64_t b, uint64_t bytes) {
    const auto exchange = [&] {
      for (uint64_t i = 0; i < bytes; ++i) std::swap(weights[a + i], weights[b + i]);
    };
    exchange();
    const std::string got = hash_of(weights, 2);
    exchange();
    return got;
  };
  checks.check(exchanged(0, 8, 8) != expected, "neighbouring words have places of their own");
  checks.check(exchanged(0, 64, 8) != expected, "words of one lane have places of their own");
  checks.check(exchanged(0, 4096, 4096) != expected, "pages have places of their own");
  checks.check(exchanged(0, chunk, chunk) != expected, "chunks have places of their own");
  checks.check(hash_of(weights, 2) == expected, "the same bytes give the same hash again");

  std::vector<TensorRange> turned = ranges;
  std::swap(turned[2], turned[3]);
  checks.check(hash_of(weights, 2, turned) != expected, "ranges have places of their own");

  Toucher in_two(3);
  in_two.touch(std::span(ranges).first(2), weights);
  in_two.touch(std::span(ranges).subspan(2), weights);
  checks.check(in_two.hash() == expected, "what is touched in two calls is touched as in one");

  LateBytes zeros(std::vector<std::byte>(2 * chunk));
  checks.check(hash_of(zeros, 2, {{0, 0, chunk}}) != hash_of(zeros, 2, {{0, 0, 2 * chunk}}), "zeros count");
  checks.check(hash_of(zeros, 2, {{0, 0, 9}}) != hash_of(zeros, 2, {{0, 0, 10}}), "zeros at the end count");

  Toucher measured(2);
  LateBytes fresh(testing::content(all_bytes, 1));
  const uint64_t before = allocations.load();
  measured.touch(ranges, fresh);
  const uint64_t after = allocations.load();
  checks.check(after == before, "touch() allocates nothing");

  fresh.refuse(ranges[2].offset);
  checks.check(testing::code_of([&] { measured.touch(ranges, fresh); }) == "io-error",
               "what ready() throws reaches the caller");
  checks.check(testing::code_of([] { Toucher none(0); }) == "bad-option", "no threads are refused");
}

// The order's ranges by part and offset.
std::vector<TensorRange> sorted(const TouchOrder& order) {
  std::vector<TensorRange> all = order.first;
  all.insert(all.end(), order.rest.begin(), order.rest.end());
  std::ranges::sort(all, {}, [](const TensorRange& range) { return std::pair(range.part, range.offset); });
  return all;
}

uint64_t bytes_in(const std::vector<TensorRange>& all) {
  uint64_t sum = 0;
  for (const TensorRange& range : all) sum += range.bytes;
  return sum;
}

void check_order(testing::Checks& checks, const std::string& path) {
  gguf::Model model = gguf::parse(path);
  const uint64_t whole = bytes_in(forward_order(model));
  const auto once = [&](const TouchOrder& order) {
    const std::vector<TensorRange> all = sorted(order);
    for (size_t i = 1; i < all.size(); ++i) {
      if (all[i - 1].part == all[i].part && all[i - 1].offset + all[i - 1].bytes > all[i].offset) return false;
    }
    return bytes_in(all) == whole;
  };
  const TouchOrder known = touch_order(model);
  const std::vector<TensorRange> needed = needed_for_first_token(model, 1);
  const auto same = [](const TensorRange& a, const TensorRange& b) {
    return a.part == b.part && a.offset == b.offset && a.bytes == b.bytes;
  };
  checks.check(std::ranges::equal(known.first, needed, same), "what a first token reads comes first, in its order");
  checks.check(once(known), "every byte of a known model is touched once");

  const auto all_at_once = [&](const char* what) {
    const TouchOrder order = touch_order(model);
    checks.check(order.rest.empty() && std::ranges::equal(order.first, forward_order(model), same) && once(order),
                 std::string("all of ") + what + " is touched at once");
  };
  gguf::Tensor& matrix = *std::ranges::find(model.tensors, "blk.0.attn_q.weight", &gguf::Tensor::name);
  const gguf::TensorType type = matrix.type;
  matrix.type = gguf::TensorType::IQ2_XXS;
  all_at_once("a model with a type that the kernel lacks");
  matrix.type = type;
  for (gguf::KeyValue& entry : model.metadata) {
    if (entry.key == "general.architecture") entry.value = std::string("another");
  }
  all_at_once("a model of another architecture");
  model.metadata.clear();
  all_at_once("a model without metadata");
}

}  // namespace
}  // namespace weighbridge

int main(int count, char** arguments) {
  using namespace weighbridge;
  testing::Checks checks;
  check_hash(checks);
  if (count > 1) check_order(checks, std::string(arguments[1]) + "/tiny-Q8_0.gguf");
  return checks.finish();
}
