// The mechanisms that copy into an arena, each with every combination of its options: the bytes and their alignment,
// what the kernel says about the memory, what is left in the page cache, files that end early, loads that are given up.
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../../native/loaders/arena_fill.h"
#include "../../native/loaders/huge_pool.h"
#include "../../native/loaders/numa.h"
#include "../../native/probes/page_cache.h"
#include "checks.h"
#include "files.h"

namespace weighbridge {
namespace {

using testing::Checks;
using testing::code_of;
using testing::content;
using testing::Folder;

constexpr int64_t kib = 1024;
constexpr int64_t mib = 1024 * kib;

// Longer than any step of these checks takes, sanitizers included: a wait that never ends is killed, and seen.
void expect_end() { ::alarm(120); }

using Values = std::map<std::string, Options::Value>;

// A mechanism with its options.
struct Way {
  std::string mechanism;
  Values values;

  Options options() const { return Options(values); }
  bool flag(const char* name) const { return Options(values).flag(name); }
  bool bypasses() const { return mechanism == "direct" || (mechanism == "uring" && flag("direct")); }
  std::string name() const {
    std::string text = mechanism;
    for (const auto& [name, value] : values) {
      text += " " + name + "=";
      if (const auto* flag = std::get_if<bool>(&value)) text += *flag ? "1" : "0";
      if (const auto* number = std::get_if<int64_t>(&value)) text += std::to_string(*number);
      if (const auto* word = std::get_if<std::string>(&value)) text += *word;
    }
    return text;
  }
};

using Choices = std::vector<Options::Value>;

std::vector<Way> times(const std::vector<Way>& ways, const std::string& name, const Choices& values) {
  std::vector<Way> result;
  for (const Way& way : ways) {
    for (const Options::Value& value : values) {
      result.push_back(way);
      result.back().values[name] = value;
    }
  }
  return result;
}

const Choices both = {false, true};
const Choices every_arena = {std::string("plain"), std::string("thp"), std::string("hugetlb")};

std::vector<Way> all_ways() {
  std::vector<Way> ways;
  for (const char* mechanism : {"read", "pread", "direct", "uring"}) {
    const std::string name = mechanism;
    std::vector<Way> own = times({{name, {}}}, "arena", every_arena);
    own = times(own, "prefault", both);
    // Blocks that divide 2 MiB, that do not, and that are larger.
    const Choices sizes = {64 * kib, 768 * kib, 4 * mib};
    if (name == "read") own = times(own, "chunkBytes", {int64_t{5'000}, 1 * mib});
    if (name == "pread") own = times(own, "dontCache", both);
    if (name == "pread" || name == "direct") {
      own = times(times(own, "chunkBytes", sizes), "threads", {int64_t{1}, int64_t{3}});
    }
    if (name == "uring") {
      own = times(times(own, "blockBytes", sizes), "depth", {int64_t{1}, int64_t{5}});
      own = times(times(own, "direct", both), "registered", both);
    }
    if (name != "read") own = times(own, "pipelined", both);
    ways.insert(ways.end(), own.begin(), own.end());
  }
  return ways;
}

// A model in three parts: tensors unsorted, with gaps of more than 2 MiB, over block boundaries, up to the very last
// byte; the second part holds none.
struct Model {
  std::vector<std::vector<std::byte>> contents = {content(9'000'123, 1), content(5'000, 2), content(70'000, 3)};
  std::vector<Part> parts;
  std::vector<TensorRange> tensors = {{2, 64, 69'936},        {0, 7'000'032, 2'000'091}, {0, 7'008, 900'000},
                                      {0, 907'040, 1'500'000}, {2, 32, 32},              {0, 2'500'000, 1}};

  explicit Model(const Folder& folder) {
    for (size_t index = 0; index < contents.size(); ++index) {
      parts.push_back(folder.write("part" + std::to_string(index), contents[index]));
    }
  }
};

// Says at the end how many combinations were skipped for which reason.
class Skips {
 public:
  void add(const Reason& reason) {
    for (auto& [message, count] : seen_) {
      if (message == reason.message) {
        ++count;
        return;
      }
    }
    seen_.emplace_back(reason.message, 1);
  }
  ~Skips() {
    for (const auto& [message, count] : seen_) std::printf("skipped: %zu combinations: %s\n", count, message.c_str());
  }

 private:
  std::vector<std::pair<std::string, size_t>> seen_;
};

void check_bytes(Checks& checks, const Way& way, const Model& model, Skips& skips) {
  expect_end();
  const Loader& row = loader(way.mechanism);
  const std::string name = way.name();
  if (const auto reason = row.unsupported(model.parts, way.options())) {
    checks.check(reason->code.find("unsupported") != std::string::npos || reason->code == "not-permitted",
                 name + ": a reason that says unsupported");
    checks.check(code_of([&] { row.load(model.parts, model.tensors, way.options()); }) == reason->code,
                 name + ": what is unsupported refuses to load with the same reason");
    skips.add(*reason);
    return;
  }
  const std::unique_ptr<Weights> weights = row.load(model.parts, model.tensors, way.options());
  const bool huge = Options(way.values).text("arena", "plain") != "plain";
  for (const TensorRange& tensor : model.tensors) {
    const std::byte* const address = weights->address(tensor);
    weights->ready(tensor);
    const std::byte* const expected = model.contents[tensor.part].data() + tensor.offset;
    const bool same = std::memcmp(address, expected, tensor.bytes) == 0;
    checks.check(same, name + ": bytes at " + std::to_string(tensor.offset));
    const uint64_t unit = huge ? huge_page_unit : page_size();
    checks.check(reinterpret_cast<uintptr_t>(address) % unit == tensor.offset % unit, name + ": alignment");
  }
  checks.check((weights->settled_at() != 0) == way.flag("pipelined"), name + ": only a pipelined one settles later");
  checks.check(way.flag("pipelined") || weights->waited_ns() == 0, name + ": nobody waits for what is there");
  const Effective effective = weights->effective();
  const std::vector<std::string> warnings = weights->warnings();
  checks.check(warnings.empty(), name + ": no warning, but " + (warnings.empty() ? "" : warnings[0]));
  checks.check(std::get<int64_t>(effective.at("arenaBytes")) > 0, name + ": the arena is reported");
  const int64_t in_huge_pages = std::get<int64_t>(effective.at("hugePageBytes"));
  checks.check(!huge || in_huge_pages > 4 * mib, name + ": huge pages are read back");
  checks.check((way.bypasses() || way.flag("dontCache")) == effective.contains("residentBytes"),
               name + ": what is left in the page cache is read back where that matters");
}

// A part that says 4096 bytes and ends after a few, behind one that is whole: the error comes from the middle of a
// load.
void check_early_end(Checks& checks, const Folder& folder) {
  const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (::access(path.c_str(), R_OK) != 0) {
    std::printf("skipped: a file that ends early: no %s here\n", path.c_str());
    return;
  }
  const std::vector<std::byte> whole = content(300'000, 4);
  const std::vector<Part> parts = {folder.write("whole", whole), {path, 4'096}};
  const std::vector<TensorRange> tensors = {{0, 0, 150'000}, {1, 0, 4'096}, {0, 150'000, 150'000}};
  std::vector<Way> ways = times({{"pread", {{"chunkBytes", 64 * kib}}}}, "threads", {int64_t{1}, int64_t{3}});
  for (const Way& way : times({{"uring", {{"blockBytes", 64 * kib}}}}, "registered", both)) ways.push_back(way);
  for (const Way& base : times(ways, "prefault", both)) {
    const Loader& row = loader(base.mechanism);
    if (row.unsupported(parts, base.options())) continue;
    checks.check(code_of([&] { row.load(parts, tensors, base.options()); }) == "short-read",
                 base.name() + ": an early end");
    Way way = base;
    way.values["pipelined"] = true;
    const std::unique_ptr<Weights> weights = row.load(parts, tensors, way.options());
    Reason reason;
    try {
      weights->ready(tensors[1]);
    } catch (const Error& error) {
      reason = error.reason();
    }
    checks.check(reason.code == "short-read" && reason.path == path && reason.offset.value_or(9'999) < 4'096,
                 way.name() + ": ready() throws what happened, with path and offset, not " + reason.code);
    checks.check(code_of([&] { weights->settled_at(); }) == "short-read", way.name() + ": settled_at() does not wait");
  }
}

// The file is cut when the load has begun. It may be faster than the cut; of many attempts some are not.
void check_shrinking(Checks& checks, const Folder& folder) {
  constexpr uint64_t bytes = 64 << 20;
  const std::vector<TensorRange> tensors = {{0, 0, bytes / 2}, {0, bytes / 2, bytes / 2}};
  std::vector<Way> ways = {{"pread", {{"chunkBytes", 64 * kib}}},
                           {"direct", {{"chunkBytes", 64 * kib}, {"threads", int64_t{2}}}}};
  for (const Way& way : times({{"uring", {{"blockBytes", 64 * kib}, {"depth", int64_t{2}}}}}, "direct", both)) {
    ways.push_back(way);
  }
  const std::vector<std::byte> whole = content(bytes, 5);
  for (const Way& way : times(ways, "pipelined", both)) {
    expect_end();
    size_t cut = 0;
    for (int attempt = 0; attempt < 10 && cut == 0; ++attempt) {
      const std::vector<Part> parts = {folder.write("shrinking", whole)};
      const Loader& row = loader(way.mechanism);
      if (row.unsupported(parts, way.options())) {
        cut = 1;
        continue;
      }
      const auto shrink = [&] {
        if (::truncate(parts[0].path.c_str(), bytes / 4) != 0) throw_errno("truncate", parts[0].path);
      };
      std::string code;
      if (way.flag("pipelined")) {
        const std::unique_ptr<Weights> weights = row.load(parts, tensors, way.options());
        shrink();
        code = code_of([&] {
          for (const TensorRange& tensor : tensors) weights->ready(tensor);
        });
      } else {
        std::jthread cutter([&] {
          std::this_thread::sleep_for(std::chrono::milliseconds(1 + attempt));
          shrink();
        });
        code = code_of([&] { row.load(parts, tensors, way.options()); });
      }
      checks.check(code.empty() || code == "short-read" || code == "file-changed",
                   way.name() + ": a file that shrinks gives " + code);
      if (!code.empty()) ++cut;
    }
    checks.check(cut > 0, way.name() + ": a file that shrinks is noticed");
  }
}

size_t entries_of(const char* folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

size_t mappings() {
  const FileDescriptor file = open_file("/proc/self/maps", O_RDONLY);
  std::string text(1 << 20, '\0');
  size_t count = 0;
  for (ssize_t got = 1; got > 0;) {
    got = ::read(file.get(), text.data(), text.size());
    count += static_cast<size_t>(std::count(text.begin(), text.begin() + std::max<ssize_t>(got, 0), '\n'));
  }
  return count;
}

// Given up at any moment: threads end, descriptors are closed, memory goes back.
void check_given_up(Checks& checks, const Folder& folder) {
  constexpr uint64_t bytes = 48 << 20;
  const std::vector<Part> parts = {folder.write("given-up", content(bytes, 6))};
  const std::vector<TensorRange> tensors = {{0, 0, bytes / 2}, {0, bytes / 2, bytes / 2}};
  std::vector<Way> ways = {{"pread", {{"threads", int64_t{3}}}}, {"direct", {{"threads", int64_t{3}}}}};
  for (const Way& way : times(times({{"uring", {}}}, "direct", both), "registered", both)) ways.push_back(way);
  ways = times(times(ways, "prefault", both), "arena", every_arena);
  for (Way way : ways) {
    expect_end();
    way.values["pipelined"] = true;
    const Loader& row = loader(way.mechanism);
    if (row.unsupported(parts, way.options())) continue;
    row.load(parts, tensors, way.options());  // what a first call leaves for good
    const size_t threads = entries_of("/proc/self/task");
    const size_t descriptors = entries_of("/proc/self/fd");
    const size_t before = mappings();
    for (const int wait_us : {0, 100, 3'000}) {
      const std::unique_ptr<Weights> weights = row.load(parts, tensors, way.options());
      std::this_thread::sleep_for(std::chrono::microseconds(wait_us));
    }
    // A thread that was joined may be listed for a moment.
    for (int look = 0; look < 1'000 && entries_of("/proc/self/task") > threads; ++look) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    checks.check(entries_of("/proc/self/task") <= threads, way.name() + ": threads end with the weights");
    checks.check(entries_of("/proc/self/fd") == descriptors, way.name() + ": descriptors are closed");
    checks.check(mappings() <= before + 3, way.name() + ": memory goes back");
  }
}

void check_page_cache(Checks& checks, const Folder& folder) {
  constexpr uint64_t bytes = 16 << 20;
  const std::vector<Part> parts = {folder.write("cached", content(bytes, 7))};
  const std::vector<std::string> paths = {parts[0].path};
  const std::vector<TensorRange> tensors = {{0, 0, bytes}};
  evict(paths);
  if (const Residency now = residency(paths); now.source == ResidencySource::none || now.resident != 0) {
    std::printf("skipped: what is left in the page cache: it cannot be emptied or asked here\n");
    return;
  }
  for (const Way& way :
       {Way{"pread", {{"dontCache", true}}}, Way{"pread", {{"dontCache", true}, {"threads", int64_t{2}}}},
        Way{"direct", {}}, Way{"uring", {{"direct", true}}}}) {
    const Loader& row = loader(way.mechanism);
    evict(paths);
    const auto reason = row.unsupported(parts, way.options());
    checks.check(residency(paths).resident == 0, way.name() + ": to ask leaves no page in the cache");
    if (reason) {
      std::printf("skipped: %s: %s\n", way.name().c_str(), reason->message.c_str());
      continue;
    }
    const std::unique_ptr<Weights> weights = row.load(parts, tensors, way.options());
    const int64_t left = std::get<int64_t>(weights->effective().at("residentBytes"));
    checks.check(left < 1 * mib, way.name() + ": the page cache stays cold, but has " + std::to_string(left));
  }
}

void check_refusals(Checks& checks, const Folder& folder) {
  const std::vector<Part> parts = {folder.write("refused", content(100'000, 8))};
  const std::vector<TensorRange> tensors = {{0, 4'096, 90'000}};
  const auto code = [&](const Way& way) {
    return code_of([&] {
      if (const auto reason = loader(way.mechanism).unsupported(parts, way.options())) throw Error(*reason);
      loader(way.mechanism).load(parts, tensors, way.options());
    });
  };
  for (const Way& way : {Way{"read", {{"arena", std::string("huge")}}}, Way{"read", {{"numaNode", int64_t{1'024}}}},
                         Way{"pread", {{"chunkBytes", int64_t{5'000}}}}, Way{"pread", {{"threads", int64_t{0}}}},
                         Way{"pread", {{"depth", int64_t{1}}}}, Way{"uring", {{"depth", int64_t{0}}}},
                         Way{"uring", {{"blockBytes", int64_t{5'000}}}}}) {
    checks.check(code(way) == "bad-option", way.name() + ": is refused");
  }
  if (!loader("direct").unsupported(parts, {})) {
    const Way askew = {"direct", {{"chunkBytes", int64_t{5'000}}}};
    checks.check(code(askew) == "bad-option", "direct: a chunk that is not aligned");
  }
  const Way elsewhere = {"read", {{"numaNode", int64_t{1'023}}}};
  checks.check(code(elsewhere) == "numa-unsupported", "a NUMA node that does not exist");
  const auto pages = pool_pages_unsupported(uint64_t{1} << 40, std::nullopt);
  checks.check(pages && pages->code == "huge-pages-unsupported" && !pages->remedy.empty(),
               "more pages than any pool has");
  checks.check(code_of([] { AnonymousMemory(uint64_t{1} << 46, huge_page_unit, ArenaPages::hugetlb); }) ==
                   "huge-pages-unsupported",
               "the kernel's own refusal of pool pages has the same code");
}

// Binding and reading back work on the one node that every machine has, whether or not there is a choice.
void check_numa(Checks& checks) {
  AnonymousMemory memory(8 * mib, huge_page_unit);
  const std::span<std::byte> bytes = {memory.data(), memory.bytes()};
  Reason reason;
  try {
    bind_to_node(bytes, 0);
  } catch (const Error& error) {
    reason = error.reason();
  }
  if (reason.code == "not-permitted" || reason.error_number == ENOSYS) {
    std::printf("skipped: binding memory to NUMA node 0: %s\n", reason.message.c_str());
    return;
  }
  checks.check(reason.code.empty(), "memory is bound to the first node, but " + reason.message);
  checks.check(pages_on_node(bytes, 0)->asked == 0, "memory that nobody touched lies on no node");
  std::memset(bytes.data(), 1, bytes.size());
  const auto found = pages_on_node(bytes, 0);
  checks.check(found && found->asked == 4 && found->on_node == 4, "touched memory lies on its node");
  checks.check(pages_on_node(bytes, 1)->on_node == 0, "and on no other");
}

void check_prefault(Checks& checks, const Model& model) {
  if (const auto reason = populate_unsupported()) {
    std::printf("skipped: touching ahead: %s\n", reason->message.c_str());
    return;
  }
  const Arena arena(model.parts, model.tensors);
  Prefault prefault(arena, model.parts, model.tensors);
  for (const TensorRange& tensor : model.tensors) prefault.obtain(tensor);
  for (const TensorRange& tensor : model.tensors) checks.check(prefault.there(tensor), "memory is there when obtained");
  const auto touched = pages_on_node(arena.memory(0), 0);
  if (!touched) {
    std::printf("skipped: which memory was touched: the kernel does not tell\n");
    return;
  }
  // Of the part's five pieces the third lies between tensors.
  checks.check(touched->asked == 4, "pieces with a tensor are touched, no others");
}

// Without the right to lock memory, more than RLIMIT_MEMLOCK cannot be registered.
void check_memory_lock(Checks& checks, const Folder& folder) {
  const Way way = {"uring", {{"registered", true}}};
  const std::vector<Part> parts = {folder.write("locked", content(1'000'000, 9))};
  if (const auto reason = loader("uring").unsupported(parts, way.options())) {
    std::printf("skipped: registered buffers below a limit: %s\n", reason->message.c_str());
    return;
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct all[_LINUX_CAPABILITY_U32S_3] = {};
  ::syscall(SYS_capget, &header, all);
  __user_cap_data_struct fewer[_LINUX_CAPABILITY_U32S_3] = {all[0], all[1]};
  fewer[0].effective &= ~(1U << CAP_IPC_LOCK);
  rlimit limit = {};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  for (const rlim_t allowed : {rlim_t{64 * 1024}, rlim_t{0}}) {
    const rlimit low = {allowed, limit.rlim_max};
    ::setrlimit(RLIMIT_MEMLOCK, &low);
    ::syscall(SYS_capset, &header, fewer);
    std::optional<Reason> reason;
    const std::string asked = code_of([&] { reason = loader("uring").unsupported(parts, way.options()); });
    const std::string code =
        code_of([&] { loader("uring").load(parts, std::vector<TensorRange>{{0, 0, 1'000'000}}, way.options()); });
    ::syscall(SYS_capset, &header, all);
    ::setrlimit(RLIMIT_MEMLOCK, &limit);
    checks.check(asked.empty() && reason && reason->code == "not-permitted" && code == "not-permitted",
                 "more registered buffers than a RLIMIT_MEMLOCK of " + std::to_string(allowed) + " allows");
  }
}

// Where there are fewer blocks than threads were asked for, the others never were.
void check_threads(Checks& checks, const Folder& folder) {
  const std::vector<Part> parts = {folder.write("few-blocks", content(200'000, 10))};
  const std::vector<TensorRange> tensors = {{0, 0, 200'000}};
  for (Way way : {Way{"pread", {}}, Way{"pread", {{"pipelined", true}}}, Way{"discard", {{"direct", false}}},
                  Way{"discard", {{"direct", true}}}}) {
    way.values["chunkBytes"] = 64 * kib;
    const Loader& row = loader(way.mechanism);
    for (const auto& [asked, there] : {std::pair(int64_t{1}, int64_t{1}), {3, 3}, {7, 4}}) {
      way.values["threads"] = asked;
      if (const auto reason = row.unsupported(parts, way.options())) {
        std::printf("skipped: threads of %s: %s\n", way.name().c_str(), reason->message.c_str());
        continue;
      }
      const Effective effective = row.load(parts, tensors, way.options())->effective();
      checks.check(std::get<int64_t>(effective.at("threads")) == there, way.name() + ": as many as had blocks");
    }
  }
}

int run() {
  expect_end();
  Checks checks;
  const Folder folder;
  const Model model(folder);
  {
    Skips skips;
    for (const Way& way : all_ways()) check_bytes(checks, way, model, skips);
  }
  check_early_end(checks, folder);
  check_shrinking(checks, folder);
  check_given_up(checks, folder);
  expect_end();
  check_page_cache(checks, folder);
  check_refusals(checks, folder);
  check_numa(checks);
  check_prefault(checks, model);
  check_memory_lock(checks, folder);
  check_threads(checks, folder);
  return checks.finish();
}

}  // namespace
}  // namespace weighbridge

int main() {
  try {
    return weighbridge::run();
  } catch (const weighbridge::Error& error) {
    std::printf("failed: %s: %s %s\n0 passed, 1 failed\n", error.reason().operation.c_str(), error.what(),
                error.reason().path.c_str());
    return 1;
  }
}
