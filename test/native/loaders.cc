// Mechanisms and ceilings below the addon: alignment, files that change between header and load, files that end early,
// parts without tensors, both engines of the device ceiling.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../../native/loaders/arena.h"
#include "../../native/loaders/callback.h"
#include "../../native/loaders/first_use.h"
#include "../../native/loaders/loader.h"
#include "../../native/loaders/slow_blocks.h"
#include "../../native/probes/byte_sum.h"
#include "../../native/probes/ceilings.h"
#include "../../native/probes/machine.h"
#include "../../native/probes/memory_speed.h"
#include "../../native/probes/process.h"
#include "../../native/probes/region.h"
#include "../../native/probes/together.h"
#include "checks.h"
#include "files.h"

namespace weighbridge {
namespace {

using testing::Checks;
using testing::code_of;
using testing::content;
using testing::Folder;

constexpr uint64_t part_bytes = 3'000'123;

// The least options with which each mechanism works; one that is not named takes none.
Options options_of(const std::string& mechanism) {
  if (mechanism == "mmap") return Options({{"sharing", std::string("shared")}});
  return {};
}

// What a function of the caller's would bring, for the mechanism `callback`.
class FileSupplier : public Supplier {
 public:
  Supplied supply(std::span<const Part> parts, std::span<const Extent> wanted) override {
    auto memory = std::make_shared<std::vector<AnonymousMemory>>();
    Supplied supplied;
    for (size_t index = 0; index < parts.size(); ++index) {
      const FileDescriptor file = open_part(parts[index]);
      memory->emplace_back(wanted[index].bytes(), page_size());
      const std::span<std::byte> bytes(memory->back().data(), wanted[index].bytes());
      read_exact(file, bytes, wanted[index].begin, parts[index].path);
      supplied.parts.push_back(bytes);
    }
    supplied.owner = memory;
    return supplied;
  }
};

void check_bytes(Checks& checks, const Loader& row, const Folder& folder) {
  const std::vector<std::byte> first = content(part_bytes, 1);
  const std::vector<std::byte> third = content(70'000, 3);
  const std::vector<Part> parts = {folder.write("first", first), folder.write("second", content(5'000, 2)),
                                   folder.write("third", third)};
  // Unsorted, with gaps, up to the very last byte; the second part holds no tensor.
  const std::vector<TensorRange> tensors = {
      {2, 64, 69'936}, {0, 1'000'032, 2'000'091}, {0, 7'008, 900'000}, {2, 32, 32}};
  const Options options = options_of(row.name);
  if (const auto reason = row.unsupported(parts, options)) {
    std::printf("skipped: %s: %s\n", row.name, reason->message.c_str());
    return;
  }
  const std::unique_ptr<Weights> weights = row.load(parts, tensors, options);
  for (const TensorRange& tensor : tensors) {
    const std::string name = std::string(row.name) + " at " + std::to_string(tensor.offset);
    const std::byte* const address = weights->address(tensor);
    const std::vector<std::byte>& expected = tensor.part == 0 ? first : third;
    weights->ready(tensor);
    checks.check(std::memcmp(address, expected.data() + tensor.offset, tensor.bytes) == 0, name + ": bytes");
    const uint64_t within_page = reinterpret_cast<uintptr_t>(address) % page_size();
    checks.check(within_page == tensor.offset % page_size(), name + ": alignment");
  }
  checks.check(weights->settled_at() == 0, std::string(row.name) + ": had ended when load returned");
}

void check_refusals(Checks& checks, const Loader& row, const Folder& folder) {
  const Options options = options_of(row.name);
  const std::string name = row.name;
  const std::vector<TensorRange> tensors = {{0, 4'096, 8'000}};
  std::vector<Part> parts = {folder.write("changing", content(20'000, 4))};
  if (row.unsupported(parts, options)) return;
  const auto load = [&] { row.load(parts, tensors, options); };
  parts[0].bytes = 20'001;
  checks.check(code_of(load) == "file-changed", name + ": a file that shrank");
  parts[0].bytes = 19'999;
  checks.check(code_of(load) == "file-changed", name + ": a file that grew");
  parts[0].path += "-gone";
  checks.check(code_of(load) == "file-missing", name + ": a file that went");
  parts[0] = folder.write("whole", content(20'000, 5));
  checks.check(code_of([&] { row.load(parts, std::vector<TensorRange>{{0, 19'000, 1'001}}, options); }) == "malformed",
               name + ": a tensor beyond the end");
  checks.check(code_of([&] { row.load(parts, std::vector<TensorRange>{{0, UINT64_MAX, 2}}, options); }) == "malformed",
               name + ": a tensor whose end overflows");
  checks.check(code_of([&] { row.load(parts, std::vector<TensorRange>{{1, 0, 1}}, options); }) == "malformed",
               name + ": a tensor of a part that is not there");
}

// Files of sysfs say 4096 bytes and end after a few: what a file does that is cut while it is read.
void check_early_end(Checks& checks, const Loader& row) {
  const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0 || status.st_size == 0) {
    std::printf("skipped: %s: no %s here\n", row.name, path.c_str());
    return;
  }
  const std::vector<Part> parts = {{path, static_cast<uint64_t>(status.st_size)}};
  const std::vector<TensorRange> tensors = {{0, 0, parts[0].bytes}};
  const std::string code = code_of([&] { row.load(parts, tensors, options_of(row.name)); });
  const std::string name = row.name;
  const bool reads = name != "mmap" && name != "hybrid" && name != "direct";
  checks.check(reads ? code == "short-read" : !code.empty(), name + ": an early end gives " + code);
}

// What is asked after a sample's measurement must not lose it: here no descriptor can be opened any more.
void check_effective(Checks& checks, const Loader& row, const Folder& folder) {
  const std::string name = row.name;
  const std::vector<Part> parts = {folder.write("effective", content(20'000, 9))};
  const Options options = options_of(name);
  if (row.unsupported(parts, options)) return;
  const std::unique_ptr<Weights> weights = row.load(parts, std::vector<TensorRange>{{0, 4'096, 8'000}}, options);
  const Effective before = weights->effective();
  checks.check(weights->warnings().empty(), name + ": no warning where all can be read back");
  if (name == "mmap") checks.check(before.contains("populateRequested"), "mmap: what was requested is named so");
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none = {0, limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  std::string code = code_of([&] { weights->effective(); });
  ::setrlimit(RLIMIT_NOFILE, &limit);
  checks.check(code.empty(), name + ": effective() without descriptors gives " + code);
  const bool asks = name == "cxx-stream" || before.contains("residentBytes") || before.contains("hugePageBytes");
  checks.check(weights->warnings().empty() != asks, name + ": a warning says what could not be read back");
}

// Files of sysfs can be opened and not be mapped.
void check_unmappable(Checks& checks) {
  const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (::access(path.c_str(), R_OK) != 0) {
    std::printf("skipped: mmap: no %s here\n", path.c_str());
    return;
  }
  const std::vector<Part> parts = {{path, 4'096}};
  const auto reason = loader("mmap").unsupported(parts, options_of("mmap"));
  checks.check(reason && reason->code == "unsupported-by-file-system" && reason->error_number != 0,
               "mmap: a file system that does not map");
  const std::vector<TensorRange> tensors = {{0, 0, 4'096}};
  checks.check(code_of([&] { loader("mmap").load(parts, tensors, options_of("mmap")); }) == "unsupported-by-file-system",
               "mmap: loading there");
}

void check_codes(Checks& checks) {
  const auto code = [](int error_number, const char* path) {
    return reason_from_errno(error_number, "step", path, "otherwise").code;
  };
  checks.check(code(EACCES, "file") == "file-unreadable" && code(ENOENT, "file") == "file-missing" &&
                   code(ENOSPC, "file") == "disk-full" && code(EISDIR, "file") == "not-a-file",
               "codes of files");
  checks.check(code(EACCES, "") == "otherwise" && code(ENOENT, "") == "otherwise" && code(ENOSPC, "") == "otherwise",
               "without a file, no code of files");
  for (const char* path : {"", "file"}) {
    checks.check(code(ENOMEM, path) == "out-of-memory" && code(ENOSYS, path) == "unsupported-by-kernel",
                 "codes of any step");
  }
}

void check_null(Checks& checks) {
  const std::unique_ptr<Weights> nothing = loader("null").load({}, {}, {});
  checks.check(code_of([&] { nothing->address(TensorRange{0, 0, 1}); }) == "internal", "null has no addresses");
}

void check_sum(Checks& checks) {
  const std::vector<std::byte> bytes = content(1'000, 6);
  for (size_t from = 0; from < 9; ++from) {
    for (size_t size = 0; size < 400; ++size) {
      uint64_t expected = 0;
      for (size_t at = 0; at < size; ++at) {
        expected += static_cast<uint64_t>(bytes[from + at]) << (8 * (at % 8));
      }
      if (byte_sum(std::span(bytes).subspan(from, size)) != expected) {
        checks.check(false, "sum of " + std::to_string(size) + " bytes from " + std::to_string(from));
        return;
      }
    }
  }
  checks.check(true, "sums");
}

// A share too large would leave a thread without work, and a measurement of all of them low.
void check_shares(Checks& checks) {
  bool right = true;
  for (const uint64_t total : {0, 1, 7, 4'096, 4'097, 40'960, 1 << 20}) {
    for (const uint32_t threads : {1u, 2u, 3u, 8u, 1'000u}) {
      for (const uint64_t unit : {1, 4'096}) {
        uint64_t end = 0;
        uint64_t longest = 0;
        for (uint32_t thread = 0; thread < threads; ++thread) {
          const Share share = share_of(total, thread, threads, unit);
          right = right && share.begin == end && share.end >= share.begin && share.end <= total;
          right = right && (share.begin % unit == 0 || share.begin == total);
          end = share.end;
          longest = std::max(longest, share.end - share.begin);
        }
        const uint64_t units = (total + unit - 1) / unit;
        right = right && end == total && longest <= (units + threads - 1) / threads * unit;
      }
    }
  }
  checks.check(right, "shares cover all, end with it, and none is longer than it has to be");
}

void check_interruptions(Checks& checks) {
  uint32_t in_vain = 0;
  checks.check(ask_again(EINTR, in_vain) && ask_again(EAGAIN, in_vain), "what was interrupted is asked for again");
  checks.check(!ask_again(EIO, in_vain) && !ask_again(EINVAL, in_vain), "what failed is not");
  uint32_t asked = 0;
  while (asked < 1'000'000 && ask_again(EAGAIN, in_vain)) ++asked;
  checks.check(asked > 0 && asked < 1'000'000, "an interruption without end is a failure");
}

void check_memory_speeds(Checks& checks) {
  const std::vector<uint32_t> threads = {1, 3};
  const std::vector<MemorySpeed> speeds = memory_speeds(6 << 20, threads);
  bool right = speeds.size() == 2;
  for (size_t row = 0; right && row < speeds.size(); ++row) {
    const MemorySpeed& speed = speeds[row];
    right = speed.threads == threads[row] && speed.bytes == 6 << 20 && speed.read_ns > 0 && speed.write_ns > 0 &&
            speed.huge_pages == speeds[0].huge_pages;
  }
  checks.check(right, "memory speeds have a row for each number of threads");
  if (Region region(6 << 20, PageKind::huge); !speeds[0].huge_pages) {
    std::fill(region.memory().begin(), region.memory().end(), std::byte{1});
    checks.check(!region.all_huge(), "2 MiB pages are said to be missing where there are none");
  }
}

void check_ceilings(Checks& checks, const Folder& folder) {
  const std::vector<Part> parts = {folder.write("a", content(part_bytes, 7)), folder.write("b", content(50'000, 8))};
  const std::vector<TensorRange> tensors = {{0, 10'000, part_bytes - 10'000}, {1, 4'000, 40'000}};
  const CeilingResult memory = memory_ceiling(parts, tensors, 3);
  checks.check(memory.bytes == part_bytes - 10'000 + 40'000 && memory.ns > 0, "memory ceiling");
  checks.check(memory.read_bytes.value_or(0) == 0, "the memory ceiling reads memory alone");
  checks.check(memory_ceiling(parts, tensors, 1'000).bytes == memory.bytes, "more threads than pages");
  if (const auto reason = device_ceiling_unsupported(parts)) {
    std::printf("skipped: device ceiling: %s\n", reason->message.c_str());
    return;
  }
  // Over a network or in user space the bytes are another process's to count.
  const bool on_device = file_facts(parts[0].path).device.starts_with("/dev/") && CounterReader().read().read_bytes;
  if (!on_device) std::printf("skipped: whether the device was reached: no block device, or nothing counts\n");
  std::vector<DeviceEngine> engines = {DeviceEngine::threads};
  if (io_uring_capability().supported) engines.push_back(DeviceEngine::io_uring);
  for (const DeviceEngine engine : engines) {
    const std::string name = engine == DeviceEngine::threads ? "threads" : "io_uring";
    for (const uint64_t block : {uint64_t{64} << 10, uint64_t{1} << 20}) {
      const CeilingResult device = device_ceiling(parts, tensors, {engine, block, 5});
      checks.check(device.bytes >= memory.bytes && device.bytes < memory.bytes + 4 * page_size() && device.ns > 0,
                   name + ": device ceiling reads all, and no more than alignment asks");
      if (on_device) checks.check(device.read_bytes.value_or(0) >= memory.bytes, name + ": the device was reached");
      const CeilingResult home = home_ceiling(parts, tensors, {engine, block, 5});
      checks.check(home.bytes == device.bytes && home.ns > 0, name + ": home takes the bytes that the device gives");
      if (on_device) checks.check(home.read_bytes.value_or(0) >= memory.bytes, name + ": home reached the device");
    }
    checks.check(code_of([&] { device_ceiling(parts, tensors, {engine, 1'000, 4}); }) == "bad-option",
                 name + ": a block that does not fit the alignment");
    checks.check(code_of([&] { device_ceiling(parts, tensors, {engine, 4 << 20, 5}); }) == "bad-option",
                 name + ": more than the buffers hold");
  }
  const DeviceRecipe best = choose_device_recipe(parts, tensors, 1 << 20);
  checks.check(best.block_bytes * best.depth <= 16 << 20 && best.engine == engines.back(), "recipe");
  checks.check(best.block_bytes == fallback_block_bytes && best.depth == fallback_depth,
               "a model that is too small to tell candidates apart has the fallback");
}

// What the hybrid decides by: where first uses cost, their time tells nothing of memory, and where they cannot be asked
// they are taken to cost nothing.
void check_first_use(Checks& checks) {
  checks.check(!first_uses_cost(999) && first_uses_cost(1'000), "first uses cost from a microsecond on");
  checks.check(!first_uses_cost(std::nullopt), "what could not be asked costs nothing");
  const std::optional<int64_t> here = first_use_ns();
  checks.check(here && *here >= 0, "what a first use costs can be asked here");
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none = {0, limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const std::optional<int64_t> unknown = first_use_ns();
  ::setrlimit(RLIMIT_NOFILE, &limit);
  checks.check(!unknown, "without a descriptor it is not known, and not 0");
}

// When the hybrid gives up huge pages: not for uses that something else made slow, nor for patches of memory.
void check_slow_blocks(Checks& checks) {
  using Uses = std::array<int64_t, 16>;
  const auto with = [](size_t slow, int64_t ns) {
    Uses uses;
    uses.fill(700);
    std::fill_n(uses.begin(), slow, ns);
    return uses;
  };
  const auto turns_after = [](size_t blocks, const Uses& uses) {
    SlowBlocks slow(blocks);
    size_t count = 1;
    while (count <= blocks && !slow.enough_with(uses)) ++count;
    return count;
  };
  checks.check(turns_after(148, with(16, 10'000)) == 3, "three slow blocks in a row are enough for a short model");
  checks.check(turns_after(905, with(8, 10'000)) == 9, "of a long one a block in a hundred, half of its uses slow");
  checks.check(turns_after(905, with(7, 10'000)) == 906, "fewer slow uses are an accident");
  checks.check(turns_after(905, with(1, 9'000'000)) == 906, "so is one that takes long");
  checks.check(turns_after(148, with(2, 5'000'000)) == 3, "two long ones are huge pages of the host");
  SlowBlocks patches(300);
  bool turned = false;
  for (size_t block = 0; block < 300; ++block) {
    turned = turned || patches.enough_with(block % 3 == 2 ? with(0, 0) : with(16, 10'000));
  }
  checks.check(!turned, "patches of two slow blocks are not enough");
  SlowBlocks tiny(300);
  const Uses slow = with(16, 10'000);
  for (size_t block = 0; block < 300; ++block) turned = turned || tiny.enough_with(std::span(slow).first(3));
  checks.check(!turned, "blocks of three uses tell nothing");
}

int run() {
  Checks checks;
  const Folder folder;
  FileSupplier supplier;
  const CallbackScope scope(&supplier);
  for (const Loader& row : loaders()) {
    // The one loads nothing; the other needs a library of somebody's.
    if (std::string(row.name) == "null" || std::string(row.name) == "external") continue;
    if (row.keeps) check_bytes(checks, row, folder);
    check_refusals(checks, row, folder);
    check_early_end(checks, row);
    check_effective(checks, row, folder);
  }
  check_first_use(checks);
  check_slow_blocks(checks);
  check_null(checks);
  check_unmappable(checks);
  check_codes(checks);
  check_sum(checks);
  check_shares(checks);
  check_interruptions(checks);
  check_memory_speeds(checks);
  check_ceilings(checks, folder);
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
