// The mechanism mmap below the addon: every way to bring pages in gives the file's bytes, what was unmapped is gone,
// what was locked is locked, and threads that run ahead end with their weights.
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "../../native/loaders/bring.h"
#include "../../native/loaders/loader.h"
#include "checks.h"
#include "files.h"

namespace weighbridge {
namespace {

using testing::Checks;
using testing::code_of;
using testing::content;
using testing::Folder;
using Values = std::map<std::string, Options::Value>;

// A model of three parts with gaps between tensors, a head and a tail that hold none, and a part without tensors; the
// last tensor ends with its file.
struct Model {
  explicit Model(const Folder& folder)
      : first(content(3'000'123, 1)),
        third(content(700'001, 3)),
        parts({folder.write("first", first), folder.write("second", content(5'000, 2)),
               folder.write("third", third)}) {}
  const std::vector<std::byte>& bytes_of(uint32_t part) const { return part == 0 ? first : third; }

  const std::vector<std::byte> first;
  const std::vector<std::byte> third;
  const std::vector<Part> parts;
  const std::vector<TensorRange> tensors = {
      {2, 600'064, 99'937}, {0, 1'500'032, 1'100'000}, {0, 70'080, 900'000}, {2, 32, 32}};
};

std::string describe(const Values& values) {
  std::string text;
  for (const auto& [name, value] : values) {
    text += ' ' + name;
    if (const auto* word = std::get_if<std::string>(&value)) text += '=' + *word;
    if (const auto* number = std::get_if<int64_t>(&value)) text += '=' + std::to_string(*number);
  }
  return text;
}

bool evict(const Part& part) {
  const FileDescriptor file = open_file(part.path, O_RDONLY);
  return ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) == 0;
}

std::unique_ptr<Weights> load(const Model& model, const Values& values) {
  for (const Part& part : model.parts) evict(part);
  return loader("mmap").load(model.parts, model.tensors, Options(values));
}

int64_t number(const Effective& effective, const std::string& name) {
  const auto found = effective.find(name);
  return found == effective.end() ? -1 : std::get<int64_t>(found->second);
}

bool right_bytes(Weights& weights, const Model& model) {
  bool right = true;
  for (const TensorRange& tensor : model.tensors) {
    weights.ready(tensor);
    const std::byte* const address = weights.address(tensor);
    right = right && std::memcmp(address, model.bytes_of(tensor.part).data() + tensor.offset, tensor.bytes) == 0 &&
            reinterpret_cast<uintptr_t>(address) % page_size() == tensor.offset % page_size();
  }
  return right;
}

// Every combination that is allowed of how pages come in, how many at once, and what else was asked for.
void check_combinations(Checks& checks, const Model& model) {
  std::vector<Values> brings = {{}};
  for (const char* way : {"willneed", "populate-read", "readahead", "touch", "read"}) {
    const bool in_pieces = std::string(way) == "touch" || std::string(way) == "read";
    for (const int64_t chunk : {int64_t{0}, int64_t{4'096}, int64_t{65'536}, int64_t{1} << 30}) {
      if (in_pieces && chunk == 0) continue;
      for (const int64_t threads : {1, 3}) {
        if (chunk == 0 && threads > 1) continue;
        for (const bool pipelined : {false, true}) {
          brings.push_back({{"bring", std::string(way)},
                            {"chunkBytes", chunk},
                            {"threads", threads},
                            {"pipelined", pipelined}});
        }
      }
    }
  }
  const std::vector<Values> others = {
      {{"sharing", std::string("shared")}},
      {{"sharing", std::string("private")}},
      {{"sharing", std::string("private")}, {"dirtied", true}},
      {{"sharing", std::string("shared")}, {"populate", true}, {"sequentialFile", true}, {"unmapUnused", true}},
      {{"sharing", std::string("shared")}, {"advice", std::vector<std::string>{"sequential"}}, {"unmapUnused", true}},
      {{"sharing", std::string("private")},
       {"advice", std::vector<std::string>{"random"}},
       {"lock", std::string("all")}},
      {{"sharing", std::string("shared")},
       {"advice", std::vector<std::string>{"hugepage"}},
       {"lock", std::string("on-fault")}},
  };
  for (const Values& bring : brings) {
    for (const Values& other : others) {
      Values values = bring;
      values.insert(other.begin(), other.end());
      const bool pipelined = values.contains("pipelined") && std::get<bool>(values["pipelined"]);
      if (pipelined && (values.contains("dirtied") || values.contains("unmapUnused"))) continue;
      if (const auto reason = loader("mmap").unsupported(model.parts, Options(values))) {
        std::printf("skipped:%s: %s\n", describe(values).c_str(), reason->message.c_str());
        continue;
      }
      const std::unique_ptr<Weights> weights = load(model, values);
      checks.check(right_bytes(*weights, model), "bytes:" + describe(values));
      checks.check((weights->settled_at() > 0) == pipelined, "settled:" + describe(values));
      const Effective effective = weights->effective();
      if (!values.contains("bring")) continue;
      const bool in_calls = std::get<std::string>(values["bring"]) != "read";
      const int64_t chunk = std::get<int64_t>(values["chunkBytes"]);
      const int64_t calls = number(effective, "bringCalls");
      // Over everything: one call for each part that has tensors.
      checks.check(in_calls && chunk == 0 ? calls == 2 : calls >= 2, "calls:" + describe(values));
    }
  }
}

// Blocks of 64 KiB in each part's tensors: a call each, and none for the gaps.
void check_call_count(Checks& checks, const Model& model) {
  uint64_t blocks = 0;
  for (uint32_t part = 0; part < model.parts.size(); ++part) {
    for (uint64_t begin = 0; begin < model.parts[part].bytes; begin += 65'536) {
      bool used = false;
      for (const TensorRange& range : model.tensors) {
        used = used || (range.part == part && range.offset < begin + 65'536 && begin < range.offset + range.bytes);
      }
      blocks += used ? 1 : 0;
    }
  }
  for (const char* way : {"willneed", "readahead", "touch"}) {
    const auto weights = load(model, {{"sharing", std::string("shared")},
                                      {"bring", std::string(way)},
                                      {"chunkBytes", int64_t{65'536}},
                                      {"threads", int64_t{2}}});
    checks.check(number(weights->effective(), "bringCalls") == static_cast<int64_t>(blocks),
                 std::string("one call for each block: ") + way);
    checks.check(number(weights->effective(), "threads") == 2, std::string("threads at work: ") + way);
  }
}

bool mapped(const void* page) {
  unsigned char resident = 0;
  return ::mincore(const_cast<void*>(page), page_size(), &resident) == 0 || errno != ENOMEM;
}

// The first part's tensors begin at 70,080 and end at 2,600,032: 17 pages go before, and what lies behind page 634.
void check_unmapped(Checks& checks, const Model& model) {
  const uint64_t page = page_size();
  const auto weights = load(model, {{"sharing", std::string("shared")}, {"unmapUnused", true}});
  const std::byte* const start = weights->address(TensorRange{0, 0, 0});
  const uint64_t begin = round_down(70'080, page);
  const uint64_t end = round_up(2'600'032, page);
  const uint64_t file_end = round_up(model.parts[0].bytes, page);
  checks.check(mapped(start + begin) && mapped(start + end - page), "the first and the last tensor stay mapped");
  bool gone = true;
  for (uint64_t at = 0; at < begin; at += page) gone = gone && !mapped(start + at);
  for (uint64_t at = end; at < file_end; at += page) gone = gone && !mapped(start + at);
  checks.check(gone, "pages before the first and behind the last tensor are unmapped");
  const Effective effective = weights->effective();
  checks.check(number(effective, "unmappedBytes") == static_cast<int64_t>(begin + file_end - end),
               "unmapped bytes are told");
  const uint64_t third = round_up(model.parts[2].bytes, page);
  checks.check(number(effective, "mappedBytes") == static_cast<int64_t>(end - begin + third), "mapped bytes are told");
  checks.check(right_bytes(*weights, model), "tensors stay readable");
}

int64_t locked_by_process() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmLck:")) return std::strtoll(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return -1;
}

void check_locked(Checks& checks, const Model& model) {
  for (const char* mode : {"all", "on-fault"}) {
    const std::string name = std::string("lock ") + mode;
    const Values values = {{"sharing", std::string("shared")}, {"lock", std::string(mode)}};
    if (const auto reason = loader("mmap").unsupported(model.parts, Options(values))) {
      std::printf("skipped: %s: %s\n", name.c_str(), reason->message.c_str());
      continue;
    }
    const int64_t before = locked_by_process();
    auto weights = load(model, values);
    const Effective effective = weights->effective();
    checks.check(number(effective, "lockedBytes") == number(effective, "mappedBytes"), name + ": all is locked");
    checks.check(number(effective, "lockedBytes") == locked_by_process() - before, name + ": as the process has it");
    unsigned char resident = 0;
    const std::byte* const last = weights->address(model.tensors[0]) + model.tensors[0].bytes - 1;
    const auto page = round_down(reinterpret_cast<uintptr_t>(last), page_size());
    checks.check(::mincore(reinterpret_cast<void*>(page), page_size(), &resident) == 0, name + ": mapped");
    if (std::string(mode) == "all") checks.check((resident & 1) != 0, name + ": the last page is in memory");
    weights.reset();
    checks.check(locked_by_process() == before, name + ": released");
  }
}

// In a process of its own, without the capability and with a limit of one page.
void check_lock_refused(Checks& checks, const Model& model) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit page = {page_size(), page_size()};
    ::setrlimit(RLIMIT_MEMLOCK, &page);
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    ::syscall(SYS_capset, &header, sets);
    const Options options({{"sharing", std::string("shared")}, {"lock", std::string("all")}});
    int wrong = 0;
    const auto reason = loader("mmap").unsupported(model.parts, options);
    if (!reason || reason->code != "not-permitted" || reason->remedy.find("ulimit -l") == std::string::npos) wrong |= 1;
    if (code_of([&] { loader("mmap").load(model.parts, model.tensors, options); }) != "not-permitted") wrong |= 2;
    if (locked_by_process() != 0) wrong |= 4;
    ::_exit(wrong);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const int wrong = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  checks.check(wrong == 0, "a lock beyond the limit is not permitted (" + std::to_string(wrong) + ")");
}

void check_dirtied(Checks& checks, const Model& model) {
  const auto weights = load(model, {{"sharing", std::string("private")}, {"dirtied", true}});
  const Effective effective = weights->effective();
  checks.check(number(effective, "privateBytes") == number(effective, "mappedBytes"), "every page is a private copy");
  checks.check(weights->warnings().empty(), "and nothing is left to warn of");
  std::ifstream file(model.parts[0].path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  checks.check(bytes.size() == model.first.size() && std::memcmp(bytes.data(), model.first.data(), bytes.size()) == 0,
               "the file is as it was");
}

// Destroyed while its threads work: they end, and nothing they use goes before them.
void check_early_end(Checks& checks, const Model& model) {
  for (const char* way : {"willneed", "populate-read", "readahead", "touch", "read"}) {
    for (int turn = 0; turn < 20; ++turn) {
      load(model, {{"sharing", std::string("shared")},
                   {"bring", std::string(way)},
                   {"chunkBytes", int64_t{4'096}},
                   {"threads", int64_t{4}},
                   {"pipelined", true}});
    }
    checks.check(true, std::string("destroyed early: ") + way);
  }
}

// A file that shrinks once it is mapped: whoever asks the kernel to bring its pages is told.
void check_shrinking(Checks& checks, const Folder& folder) {
  const std::vector<std::byte> bytes = content(1 << 20, 9);
  const Part part = folder.write("shrinking", bytes);
  const FileDescriptor file = open_file(part.path, O_RDONLY);
  const Mapping mapping(file, part, PROT_READ, MAP_SHARED);
  const std::vector<Part> parts = {part};
  const std::vector<TensorRange> tensors = {{0, 0, part.bytes}};
  if (::truncate(part.path.c_str(), 500'000) != 0) throw_errno("truncate", part.path);
  const std::map<std::string, std::string> expected = {{"populate-read", "file-changed"}, {"read", "short-read"}};
  for (const auto& [way, code] : expected) {
    if (bring_unsupported(bring_way(way), part)) continue;
    Bringer whole({{part, file, mapping}}, parts, tensors, {bring_way(way), 65'536, 1});
    checks.check(code_of([&] { whole.bring_all(); }) == code, way + ": shrunk, on the caller's thread");
    Bringer threads({{part, file, mapping}}, parts, tensors, {bring_way(way), 65'536, 3});
    checks.check(code_of([&] { threads.bring_all(); }) == code, way + ": shrunk, on threads of its own");
    Bringer ahead({{part, file, mapping}}, parts, tensors, {bring_way(way), 65'536, 2});
    ahead.start();
    checks.check(code_of([&] { ahead.completed_at(); }) == code, way + ": shrunk, told when waited for");
    checks.check(code_of([&] { ahead.check(); }) == code, way + ": shrunk, told at the next use");
  }
}

void check_capped(Checks& checks, const Folder& folder) {
  const Part part = folder.write("capped", content(1 << 20, 5));
  const auto cap = read_ahead_cap(part.path, false);
  if (!cap) {
    std::printf("skipped: caps of read-ahead: sysfs does not tell them here\n");
    return;
  }
  checks.check(read_ahead_cap(part.path, true).value_or(0) >= *cap, "a sequential file is read further ahead");
  // Sparse: its size alone decides.
  const Part large = {part.path, *cap + page_size()};
  if (::truncate(part.path.c_str(), static_cast<off_t>(large.bytes)) != 0) throw_errno("truncate", part.path);
  const std::vector<Part> parts = {large};
  const std::vector<TensorRange> tensors = {{0, 0, large.bytes}};
  const auto warnings = [&](int64_t chunk) {
    const Options options(
        {{"sharing", std::string("shared")}, {"bring", std::string("willneed")}, {"chunkBytes", chunk}});
    const auto weights = loader("mmap").load(parts, tensors, options);
    weights->effective();
    return weights->warnings();
  };
  const std::vector<std::string> whole = warnings(0);
  checks.check(whole.size() == 1 && whole[0].find(std::to_string(*cap)) != std::string::npos,
               "a call that can only have been cut is warned of, with the cap");
  checks.check(warnings(65'536).empty(), "smaller calls are not");
}

// In a file of less than one huge page there can be none.
void check_huge_pages(Checks& checks, const Folder& folder) {
  const std::vector<Part> parts = {folder.write("small", content(100'000, 6))};
  const std::vector<TensorRange> tensors = {{0, 0, 100'000}};
  const Options options({{"sharing", std::string("shared")}, {"advice", std::vector<std::string>{"hugepage"}}});
  if (const auto reason = loader("mmap").unsupported(parts, options)) {
    std::printf("skipped: huge pages: %s\n", reason->message.c_str());
    return;
  }
  const auto weights = loader("mmap").load(parts, tensors, options);
  const Effective effective = weights->effective();
  checks.check(number(effective, "hugeFileBytes") == 0, "huge pages obtained are told");
  checks.check(weights->warnings().size() == 1, "huge pages asked for and not obtained are warned of");
  weights->effective();
  checks.check(weights->warnings().size() == 1, "and once, however often one asks");
}

void check_refused(Checks& checks, const Model& model) {
  const Options::Value shared = std::string("shared");
  const Options::Value no = std::string("private");
  const std::vector<Values> refused = {
      {},
      {{"sharing", std::string("both")}},
      {{"sharing", shared}, {"dirtied", true}},
      {{"sharing", shared}, {"advice", std::vector<std::string>{"willneed"}}},
      {{"sharing", shared}, {"bring", std::string("faults")}},
      {{"sharing", shared}, {"lock", std::string("some")}},
      {{"sharing", shared}, {"chunkBytes", int64_t{4'096}}},
      {{"sharing", shared}, {"threads", int64_t{2}}},
      {{"sharing", shared}, {"pipelined", true}},
      {{"sharing", shared}, {"bring", std::string("touch")}, {"chunkBytes", int64_t{0}}},
      {{"sharing", shared}, {"bring", std::string("read")}, {"chunkBytes", int64_t{0}}},
      {{"sharing", shared}, {"bring", std::string("willneed")}, {"chunkBytes", int64_t{1'000}}},
      {{"sharing", shared}, {"bring", std::string("willneed")}, {"threads", int64_t{2}}},
      {{"sharing", shared}, {"bring", std::string("willneed")}, {"threads", int64_t{0}}},
      {{"sharing", no}, {"dirtied", true}, {"bring", std::string("touch")}, {"pipelined", true}},
      {{"sharing", shared}, {"unmapUnused", true}, {"bring", std::string("touch")}, {"pipelined", true}},
  };
  for (const Values& values : refused) {
    const Options options(values);
    checks.check(code_of([&] { loader("mmap").unsupported(model.parts, options); }) == "bad-option" &&
                     code_of([&] { loader("mmap").load(model.parts, model.tensors, options); }) == "bad-option",
                 "refused:" + describe(values));
  }
}

int run() {
  Checks checks;
  const Folder folder;
  const Model model(folder);
  // First: it forks, which is for a process of one thread.
  check_lock_refused(checks, model);
  check_combinations(checks, model);
  check_call_count(checks, model);
  check_unmapped(checks, model);
  check_locked(checks, model);
  check_dirtied(checks, model);
  check_early_end(checks, model);
  check_shrinking(checks, folder);
  check_capped(checks, folder);
  check_huge_pages(checks, folder);
  check_refused(checks, model);
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
