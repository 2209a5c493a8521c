// What a machine can do at all, in pieces of a fraction of a second, for the process that measures limits: synchronous.
#include <algorithm>

#include "../probes/buffered_speed.h"
#include "../probes/fault_cost.h"
#include "../probes/memory_speed.h"
#include "../probes/touch_speed.h"
#include "convert.h"

namespace weighbridge::bindings {

namespace {

// Bytes [from, from + bytes) of the files laid end to end.
struct Piece {
  std::vector<Part> parts;
  std::vector<TensorRange> ranges;
  std::vector<Extent> extents;
};

Piece piece_of(const Napi::Object& spec) {
  Piece piece;
  const uint64_t from = whole(spec, "from");
  const uint64_t bytes = whole(spec, "bytes");
  uint64_t before = 0;
  for (const std::string& path : texts(spec.Get("paths"))) {
    const FileDescriptor file = open_file(path, O_RDONLY);
    const uint64_t size = regular_file_size(file, path);
    const auto index = static_cast<uint32_t>(piece.parts.size());
    piece.parts.push_back({path, size});
    const uint64_t begin = std::clamp(from, before, before + size) - before;
    const uint64_t end = std::clamp(from + bytes, before, before + size) - before;
    piece.extents.push_back(begin < end ? Extent{begin, end} : Extent{0, 0});
    if (begin < end) piece.ranges.push_back({index, begin, end - begin});
    before += size;
  }
  return piece;
}

Napi::Object transfer(Napi::Env env, uint64_t bytes, uint64_t ns, const std::optional<uint64_t>& read_bytes) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("bytes", number(env, bytes));
  object.Set("ns", number(env, ns));
  object.Set("readBytes", number_or_null(env, read_bytes));
  return object;
}

template <class Measure>
Napi::Value measured(const Napi::CallbackInfo& info, Measure&& measure) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value { return measure(env, info[0].As<Napi::Object>()); });
}

Napi::Value direct_transfer(const Napi::CallbackInfo& info) {
  return measured(info, [](Napi::Env env, const Napi::Object& spec) {
    const Piece piece = piece_of(spec);
    const DeviceRecipe recipe = recipe_of(spec.Get("recipe").As<Napi::Object>());
    const CeilingResult result = flag(spec, "home") ? home_ceiling(piece.parts, piece.ranges, recipe)
                                                    : device_ceiling(piece.parts, piece.ranges, recipe);
    Napi::Object object = transfer(env, result.bytes, result.ns, result.read_bytes);
    object.Set("hugePages", Napi::Boolean::New(env, result.huge_pages));
    return object;
  });
}

Napi::Value best_recipe(const Napi::CallbackInfo& info) {
  return measured(info, [](Napi::Env env, const Napi::Object& spec) {
    const Piece piece = piece_of(spec);
    const DeviceRecipe recipe = choose_device_recipe(piece.parts, piece.ranges, whole(spec, "bytesEach"));
    return recipe_to_js(env, recipe);
  });
}

Napi::Value buffered_transfer(const Napi::CallbackInfo& info) {
  return measured(info, [](Napi::Env env, const Napi::Object& spec) {
    const Piece piece = piece_of(spec);
    const BufferedSpeed speed = buffered_speed(piece.parts, piece.extents);
    return transfer(env, speed.bytes, speed.ns, speed.read_bytes);
  });
}

Napi::Value copy_transfer(const Napi::CallbackInfo& info) {
  return measured(info, [](Napi::Env env, const Napi::Object& spec) {
    const Piece piece = piece_of(spec);
    const BufferedSpeed speed = copy_speed(piece.parts, piece.extents, small(spec, "threads"));
    return transfer(env, speed.bytes, speed.ns, speed.read_bytes);
  });
}

Napi::Value mapping_transfer(const Napi::CallbackInfo& info) {
  return measured(info, [](Napi::Env env, const Napi::Object& spec) {
    const Piece piece = piece_of(spec);
    const CeilingResult result = memory_ceiling(piece.parts, piece.ranges, small(spec, "threads"));
    return transfer(env, result.bytes, result.ns, result.read_bytes);
  });
}

Napi::Value faults(const Napi::CallbackInfo& info) {
  return measured(info, [](Napi::Env env, const Napi::Object& spec) {
    const FaultCost cost = fault_cost(text(spec, "path"), 0, whole(spec, "bytes"));
    Napi::Object object = Napi::Object::New(env);
    object.Set("ns", number(env, cost.ns));
    object.Set("minorFaults", number(env, cost.minor_faults));
    object.Set("majorFaults", number(env, cost.major_faults));
    object.Set("mmapCallNs", number(env, mmap_call_ns(text(spec, "path"))));
    return object;
  });
}

Napi::Value memory(const Napi::CallbackInfo& info) {
  return measured(info, [](Napi::Env env, const Napi::Object& spec) {
    const Napi::Array counts = spec.Get("threads").As<Napi::Array>();
    std::vector<uint32_t> threads;
    for (uint32_t i = 0; i < counts.Length(); ++i) threads.push_back(counts.Get(i).ToNumber().Uint32Value());
    Napi::Array rows = Napi::Array::New(env);
    for (const MemorySpeed& speed : memory_speeds(whole(spec, "bytes"), threads)) {
      Napi::Object row = Napi::Object::New(env);
      row.Set("threads", number(env, speed.threads));
      row.Set("bytes", number(env, speed.bytes));
      row.Set("readNs", number(env, speed.read_ns));
      row.Set("writeNs", number(env, speed.write_ns));
      row.Set("hugePages", Napi::Boolean::New(env, speed.huge_pages));
      rows.Set(rows.Length(), row);
    }
    return rows;
  });
}

Napi::Value touches(const Napi::CallbackInfo& info) {
  return measured(info, [](Napi::Env env, const Napi::Object& spec) {
    const Napi::Array wanted = spec.Get("cases").As<Napi::Array>();
    std::vector<TouchCase> cases;
    for (uint32_t i = 0; i < wanted.Length(); ++i) {
      const Napi::Object each = wanted.Get(i).As<Napi::Object>();
      cases.push_back({flag(each, "huge") ? PageKind::huge : PageKind::small, small(each, "threads")});
    }
    Napi::Array rows = Napi::Array::New(env);
    for (const std::optional<TouchSpeed>& speed : touch_speeds(whole(spec, "bytes"), cases)) {
      Napi::Object row = Napi::Object::New(env);
      if (speed) {
        row.Set("bytes", number(env, speed->bytes));
        row.Set("firstNs", number(env, speed->first_ns));
        row.Set("secondNs", number(env, speed->second_ns));
      }
      rows.Set(rows.Length(), speed ? Napi::Value(row) : env.Null());
    }
    return rows;
  });
}

}  // namespace

void export_limits(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, auto function) { exports.Set(name, Napi::Function::New(env, function, name)); };
  add("bestRecipe", best_recipe);
  add("directTransfer", direct_transfer);
  add("bufferedTransfer", buffered_transfer);
  add("copyTransfer", copy_transfer);
  add("mappingTransfer", mapping_transfer);
  add("faultCost", faults);
  add("memorySpeeds", memory);
  add("touchSpeeds", touches);
}

}  // namespace weighbridge::bindings
