// mmap(2) of each whole part: the page cache itself is the weights. The options say what is asked of the kernel before
// the first fault, and in which way the pages are brought in.
#include <sys/mman.h>

#include <string>
#include <utility>

#include "bring.h"
#include "map_strategy.h"
#include "mapping.h"
#include "mechanisms.h"
#include "memory_lock.h"

namespace weighbridge::mechanisms {

namespace {

// A private copy of every page: a write is a write, also of the value that is there.
void dirty(const Mapping& mapping) {
  const Extent mapped = mapping.mapped();
  for (uint64_t at = mapped.begin; at < mapped.end; at += page_size()) {
    volatile std::byte* const byte = mapping.at(at);
    *byte = *byte;
  }
}

class MappedWeights : public Weights {
 public:
  MappedWeights(std::span<const Part> parts, std::span<const TensorRange> in_forward_order, MapStrategy wanted)
      : wanted_(std::move(wanted)), parts_(parts.begin(), parts.end()) {
    for (const TensorRange& range : in_forward_order) tensor_bytes_ += range.bytes;
    const std::vector<Extent> extents = tensor_extents(parts, in_forward_order);
    map(extents);
    if (wanted_.bring) bring_in(in_forward_order);
    if (wanted_.dirtied) {
      for (const Mapping& mapping : mappings_) dirty(mapping);
    }
    for (size_t index = 0; wanted_.lock && index < parts_.size(); ++index) {
      lock(mappings_[index], parts_[index], *wanted_.lock);
    }
    for (size_t index = 0; wanted_.unmap_unused && index < parts_.size(); ++index) {
      unmapped_bytes_ += mappings_[index].keep_only(extents[index], parts_[index]);
    }
  }

  const std::byte* address(const TensorRange& range) const override { return mappings_[range.part].at(range.offset); }

  // Pages that are not there yet the kernel brings in itself, whoever asks first: only a thread that failed is told.
  void ready(const TensorRange&) override {
    if (wanted_.pipelined) bringer_->check();
  }
  int64_t settled_at() override { return wanted_.pipelined ? bringer_->completed_at() : 0; }

  Effective effective() const override;
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  void map(std::span<const Extent> extents);
  void bring_in(std::span<const TensorRange> in_forward_order);
  void report_bringing(Effective& all) const;
  void report_pages(Effective& all) const;

  const MapStrategy wanted_;
  const std::vector<Part> parts_;
  uint64_t tensor_bytes_ = 0;
  uint64_t unmapped_bytes_ = 0;
  std::vector<FileDescriptor> files_;
  std::vector<Mapping> mappings_;
  // Last: its threads end before what they work on.
  std::unique_ptr<Bringer> bringer_;
  mutable std::vector<std::string> warnings_;
};

void MappedWeights::map(std::span<const Extent> extents) {
  files_.reserve(parts_.size());
  mappings_.reserve(parts_.size());
  for (size_t index = 0; index < parts_.size(); ++index) {
    const Part& part = parts_[index];
    FileDescriptor file = open_part(part);
    if (extents[index].bytes() == 0) {
      mappings_.emplace_back();
      files_.emplace_back();
      continue;
    }
    if (wanted_.sequential_file) {
      if (const int failed = ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL)) {
        throw Error(reason_from_errno(failed, "posix_fadvise", part.path));
      }
    }
    const Mapping& mapping = mappings_.emplace_back(file, part, wanted_.protection(), wanted_.flags());
    for (const Advice& advice : wanted_.advices) {
      if (::madvise(mapping.memory().data(), mapping.memory().size(), advice.value) == 0) continue;
      throw_errno("madvise", part.path, errno == EINVAL ? "advice-unsupported" : "io-error");
    }
    files_.push_back(wanted_.bring ? std::move(file) : FileDescriptor());
  }
}

void MappedWeights::bring_in(std::span<const TensorRange> in_forward_order) {
  std::vector<MappedPart> mapped;
  for (size_t index = 0; index < parts_.size(); ++index) {
    mapped.push_back({parts_[index], files_[index], mappings_[index]});
  }
  bringer_ = std::make_unique<Bringer>(std::move(mapped), parts_, in_forward_order, *wanted_.bring);
  if (wanted_.pipelined) {
    bringer_->start();
  } else {
    bringer_->bring_all();
  }
}

Effective MappedWeights::effective() const {
  warnings_.clear();
  uint64_t mapped_bytes = 0;
  for (const Mapping& mapping : mappings_) mapped_bytes += mapping.memory().size();
  // mmap(2) does not fail where MAP_POPULATE could not map every page, so that only the request is known here; what was
  // obtained shows in the memory pass, as file memory mapped after loading.
  Effective all = {{"sharing", std::string(wanted_.shared ? "shared" : "private")},
                   {"populateRequested", wanted_.populate},
                   {"mappedBytes", static_cast<int64_t>(mapped_bytes)}};
  std::string accepted;
  for (const Advice& advice : wanted_.advices) accepted.append(accepted.empty() ? "" : ",").append(advice.name);
  if (!accepted.empty()) all.emplace("adviceAccepted", accepted);
  if (wanted_.sequential_file) all.emplace("sequentialFileAccepted", true);
  if (wanted_.unmap_unused) all.emplace("unmappedBytes", static_cast<int64_t>(unmapped_bytes_));
  if (bringer_) report_bringing(all);
  report_pages(all);
  return all;
}

void MappedWeights::report_bringing(Effective& all) const {
  if (wanted_.pipelined) {
    try {
      bringer_->completed_at();
    } catch (const Error& error) {
      warnings_.push_back(std::string("not all was brought in: ") + error.what());
    }
  }
  all.emplace("bring", std::string(name_of(wanted_.bring->way)));
  all.emplace("chunkBytes", static_cast<int64_t>(wanted_.bring->chunk_bytes));
  all.emplace("threads", static_cast<int64_t>(bringer_->threads()));
  all.emplace("pipelined", wanted_.pipelined);
  all.emplace("bringCalls", static_cast<int64_t>(bringer_->calls()));
  const bool capped = wanted_.bring->way == BringWay::willneed || wanted_.bring->way == BringWay::readahead;
  if (!capped) return;
  std::optional<uint64_t> cap;
  for (const Part& part : parts_) {
    const std::optional<uint64_t> of_part = read_ahead_cap(part.path, wanted_.sequential_file);
    if (of_part && (!cap || *of_part < *cap)) cap = of_part;
  }
  if (!cap) return;
  all.emplace("bringCallCapBytes", static_cast<int64_t>(*cap));
  // After MAP_POPULATE nothing is left that the cap could withhold.
  if (wanted_.populate || bringer_->longest_call() <= *cap) return;
  warnings_.push_back(std::string("one call of ") + name_of(wanted_.bring->way) + " asked for " +
                      std::to_string(bringer_->longest_call()) + " bytes; the kernel reads at most " +
                      std::to_string(*cap) + " of them ahead");
}

void MappedWeights::report_pages(Effective& all) const {
  const bool huge = wanted_.advises(MADV_HUGEPAGE);
  if (!huge && !wanted_.lock && !wanted_.dirtied) return;
  const std::optional<MappingFacts> facts = mapping_facts(mappings_);
  if (!facts) {
    warnings_.push_back("what the kernel did with the pages could not be read back: /proc/self/smaps cannot be read");
    return;
  }
  const auto mapped_bytes = static_cast<uint64_t>(std::get<int64_t>(all.at("mappedBytes")));
  if (huge) {
    all.emplace("hugeFileBytes", static_cast<int64_t>(facts->huge_file));
    if (facts->huge_file < tensor_bytes_ / 10 * 9) {
      warnings_.push_back("huge pages were asked for: " + std::to_string(facts->huge_file) + " of " +
                          std::to_string(tensor_bytes_) + " tensor bytes are mapped by them");
    }
  }
  if (wanted_.dirtied) {
    all.emplace("privateBytes", static_cast<int64_t>(facts->anonymous));
    if (facts->anonymous < mapped_bytes) {
      warnings_.push_back(std::to_string(facts->anonymous) + " of " + std::to_string(mapped_bytes) +
                          " mapped bytes are private copies; the rest was swapped out or never copied");
    }
  }
  if (wanted_.lock) {
    all.emplace("lock", std::string(*wanted_.lock == LockMode::all ? "all" : "on-fault"));
    all.emplace("lockedBytes", static_cast<int64_t>(facts->locked));
    if (facts->locked < mapped_bytes) {
      warnings_.push_back(std::to_string(facts->locked) + " of " + std::to_string(mapped_bytes) +
                          " mapped bytes are locked");
    }
  }
}

std::optional<Reason> unsupported(std::span<const Part> parts, const Options& options) {
  const MapStrategy wanted = map_strategy(options);
  if (wanted.advises(MADV_HUGEPAGE)) {
    const char* const message = "the kernel has no transparent huge pages";
    if (auto reason = advice_unsupported(MADV_HUGEPAGE, "advice-unsupported", message)) return reason;
  }
  uint64_t bytes = 0;
  for (const Part& part : parts) {
    bytes += round_up(part.bytes, page_size());
    if (auto reason = mapping_unsupported(part, wanted.shared ? MAP_SHARED : MAP_PRIVATE)) return reason;
    if (wanted.bring) {
      if (auto reason = bring_unsupported(wanted.bring->way, part)) return reason;
    }
  }
  return wanted.lock ? lock_unsupported(bytes) : std::nullopt;
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  return std::make_unique<MappedWeights>(parts, in_forward_order, map_strategy(options));
}

}  // namespace

const Loader mmap = {"mmap", unsupported, load};

}  // namespace weighbridge::mechanisms
