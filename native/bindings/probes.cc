// Mechanisms, page cache, free memory and what the machine allows. What may take long runs on a worker thread, so that
// the event loop goes on.
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "../format/gguf.h"
#include "../loaders/numa.h"
#include "../probes/ceilings.h"
#include "../probes/free_memory.h"
#include "../probes/machine.h"
#include "../probes/numa_node.h"
#include "../probes/page_cache.h"
#include "../probes/process.h"
#include "convert.h"

namespace weighbridge::bindings {

namespace {

[[noreturn]] void bad_argument(const char* name, const char* wanted) {
  throw Error(Reason{
      .code = "bad-option", .operation = "arguments", .message = std::string(name) + " must be " + wanted});
}

uint64_t whole_argument(const Napi::CallbackInfo& info, size_t index, const char* name, uint64_t most) {
  const double value = info[index].IsNumber() ? info[index].As<Napi::Number>().DoubleValue() : -1;
  if (!(value >= 0 && value <= static_cast<double>(most)) || std::floor(value) != value) {
    bad_argument(name, "a whole number that fits");
  }
  return static_cast<uint64_t>(value);
}
constexpr uint64_t most_exact = (uint64_t{1} << 53) - 1;

std::string text_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  if (!info[index].IsString()) bad_argument(name, "a string");
  return info[index].As<Napi::String>().Utf8Value();
}

Napi::Value reason_or_null(Napi::Env env, const std::optional<Reason>& reason) {
  if (!reason) return env.Null();
  return to_js(env, *reason);
}

// A promise of what `work` returns on a worker thread, made a JavaScript value by `convert` on the event loop's.
template <class Work, class Convert>
class Promised : public Napi::AsyncWorker {
 public:
  static Napi::Value start(Napi::Env env, Work work, Convert convert) {
    auto* const worker = new Promised(env, std::move(work), std::move(convert));
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    try {
      result_.emplace(work_());
    } catch (const Error& error) {
      failure_ = error.reason();
    } catch (const std::bad_alloc&) {
      failure_ = Reason{.code = "out-of-memory", .operation = "allocate", .message = "out of memory"};
    } catch (const std::exception& error) {
      failure_ = Reason{.code = "internal", .operation = "native", .message = error.what()};
    }
  }
  void OnOK() override {
    if (failure_) {
      deferred_.Reject(to_js_error(Env(), *failure_).Value());
    } else {
      deferred_.Resolve(convert_(Env(), std::move(*result_)));
    }
  }

 private:
  Promised(Napi::Env env, Work work, Convert convert)
      : Napi::AsyncWorker(env), deferred_(env), work_(std::move(work)), convert_(std::move(convert)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Convert convert_;
  std::optional<decltype(std::declval<Work&>()())> result_;
  std::optional<Reason> failure_;
};

template <class Work, class Convert>
Napi::Value promise(Napi::Env env, Work work, Convert convert) {
  return Promised<Work, Convert>::start(env, std::move(work), std::move(convert));
}

struct Nothing {};
Napi::Value to_undefined(Napi::Env env, Nothing) { return env.Undefined(); }
Napi::Value to_number(Napi::Env env, uint64_t value) { return number(env, value); }

struct ModelRanges {
  std::vector<Part> parts;
  std::vector<TensorRange> tensors;
};

ModelRanges ranges_of(const std::string& path) {
  const gguf::Model model = gguf::parse(path);
  ModelRanges ranges;
  for (const gguf::Part& part : model.parts) ranges.parts.push_back(Part{part.path, part.bytes});
  for (const gguf::Tensor& tensor : model.tensors) {
    ranges.tensors.push_back(TensorRange{tensor.part, tensor.offset, tensor.bytes});
  }
  return ranges;
}

Napi::Value mechanisms(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array names = Napi::Array::New(env);
  for (const Loader& row : loaders()) names.Set(names.Length(), row.name);
  return names;
}

Napi::Value unsupported(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    const Loader& row = loader(text_argument(info, 0, "mechanism"));
    std::vector<Part> parts;
    for (const std::string& path : texts(info[1])) {
      const FileDescriptor file = open_file(path, O_RDONLY);
      parts.push_back(Part{path, regular_file_size(file, path)});
    }
    return reason_or_null(env, row.unsupported(parts, options(info[2].ToObject())));
  });
}

const char* name_of(ResidencySource source) {
  switch (source) {
    case ResidencySource::cachestat:
      return "cachestat";
    case ResidencySource::mincore:
      return "mincore";
    case ResidencySource::none:
      break;
  }
  return "none";
}

Napi::Value residency_reading(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    const Residency reading = residency(texts(info[0]));
    Napi::Object object = Napi::Object::New(env);
    object.Set("resident", number(env, reading.resident));
    object.Set("size", number(env, reading.size));
    object.Set("source", name_of(reading.source));
    return object;
  });
}

Napi::Value evict_files(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    return promise(env, [paths = texts(info[0])] { return evict(paths), Nothing{}; }, to_undefined);
  });
}

Napi::Value warm_files(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    return promise(env, [paths = texts(info[0])] { return warm(paths), Nothing{}; }, to_undefined);
  });
}

// The mapping lives as long as the function that releases it, or until that is called.
Napi::Value to_held(Napi::Env env, std::shared_ptr<Hold> hold) {
  Napi::Object held = Napi::Object::New(env);
  const auto release = [hold = std::move(hold)](const Napi::CallbackInfo&) mutable { hold.reset(); };
  held.Set("release", Napi::Function::New(env, release, "release"));
  return held;
}

Napi::Value hold_files(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    return promise(env, [paths = texts(info[0])] { return std::make_shared<Hold>(paths); }, to_held);
  });
}

Napi::Value back_memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    const uint64_t bytes = whole_argument(info, 0, "bytes", most_exact);
    const auto threads = static_cast<uint32_t>(whole_argument(info, 1, "threads", UINT32_MAX));
    return promise(env, [bytes, threads] { return back_free_memory(bytes, threads), Nothing{}; }, to_undefined);
  });
}

Napi::Value touch_memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    const uint64_t bytes = whole_argument(info, 0, "bytes", most_exact);
    return promise(env, [bytes] { return first_touch_ns(bytes); }, to_number);
  });
}

// The memory lives as long as the function that releases it, or until that is called.
Napi::Value to_absorbed(Napi::Env env, std::shared_ptr<AbsorbedMemory> memory) {
  Napi::Object absorbed = Napi::Object::New(env);
  absorbed.Set("found", Napi::Boolean::New(env, memory->found));
  Napi::Array chunks = Napi::Array::New(env, memory->regions.size());
  for (uint32_t i = 0; i < memory->regions.size(); ++i) chunks.Set(i, number(env, memory->regions[i].took_ns()));
  absorbed.Set("chunkNs", chunks);
  const auto release = [memory = std::move(memory)](const Napi::CallbackInfo&) mutable { memory.reset(); };
  absorbed.Set("release", Napi::Function::New(env, release, "release"));
  return absorbed;
}

Napi::Value absorb_memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    const uint64_t chunk = whole_argument(info, 0, "chunkBytes", most_exact);
    const uint64_t slow = whole_argument(info, 1, "slowNs", most_exact);
    const uint64_t most = whole_argument(info, 2, "mostBytes", most_exact);
    const auto absorb = [chunk, slow, most] {
      return std::make_shared<AbsorbedMemory>(absorb_backed_memory(chunk, slow, most));
    };
    return promise(env, absorb, to_absorbed);
  });
}

Napi::Value spin(const Napi::CallbackInfo& info) { return number(info.Env(), spin_ns()); }

Napi::Value now(const Napi::CallbackInfo& info) { return number(info.Env(), static_cast<uint64_t>(now_ns())); }

Napi::Value bind(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    const auto parent = static_cast<int64_t>(whole_argument(info, 0, "parentPid", INT32_MAX));
    return Napi::Boolean::New(env, bind_to_parent(parent, info[1].ToBoolean().Value()));
  });
}

Napi::Value node_unsupported(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    return reason_or_null(env, numa_unsupported(static_cast<uint32_t>(whole_argument(info, 0, "node", most_numa_nodes - 1))));
  });
}

Napi::Value bind_node(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    return number(env, bind_process_to_node(static_cast<uint32_t>(whole_argument(info, 0, "node", most_numa_nodes - 1))));
  });
}

Napi::Value number_or_null(Napi::Env env, const std::optional<uint32_t>& value) {
  if (!value) return env.Null();
  return number(env, *value);
}

Napi::Value facts_of_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    const FileFacts facts = file_facts(text_argument(info, 0, "path"));
    Napi::Object object = Napi::Object::New(env);
    object.Set("fileSystem", facts.file_system);
    object.Set("device", facts.device);
    object.Set("mayVerify", facts.may_verify);
    object.Set("directIo", facts.direct_io);
    object.Set("directMemoryAlignment", number_or_null(env, facts.direct_memory_alignment));
    object.Set("directOffsetAlignment", number_or_null(env, facts.direct_offset_alignment));
    return object;
  });
}

Napi::Object to_js(Napi::Env env, const Capability& capability) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("supported", capability.supported);
  object.Set("reason", reason_or_null(env, capability.reason));
  return object;
}

Napi::Value capabilities(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    const uint64_t limit = locked_memory_limit();
    Napi::Object object = Napi::Object::New(env);
    object.Set("cachestat", to_js(env, cachestat_capability()));
    object.Set("ioUring", to_js(env, io_uring_capability()));
    object.Set("populateRead", to_js(env, populate_read_capability()));
    object.Set("lockedMemoryLimit", limit == UINT64_MAX ? env.Null() : Napi::Value(number(env, limit)));
    return object;
  });
}

Napi::Value device_unsupported(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    return reason_or_null(env, device_ceiling_unsupported(ranges_of(text_argument(info, 0, "path")).parts));
  });
}

Napi::Value choose_recipe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    const uint64_t bytes_each = whole_argument(info, 1, "bytesEach", most_exact);
    const auto choose = [path = text_argument(info, 0, "path"), bytes_each] {
      const ModelRanges model = ranges_of(path);
      return choose_device_recipe(model.parts, model.tensors, bytes_each);
    };
    return promise(env, choose, recipe_to_js);
  });
}

}  // namespace

void export_probes(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, auto function) { exports.Set(name, Napi::Function::New(env, function, name)); };
  add("mechanisms", mechanisms);
  add("unsupported", unsupported);
  add("residency", residency_reading);
  add("evict", evict_files);
  add("warm", warm_files);
  add("hold", hold_files);
  add("backFreeMemory", back_memory);
  add("firstTouchNs", touch_memory);
  add("absorbBackedMemory", absorb_memory);
  add("spinNs", spin);
  add("nowNs", now);
  add("bindToParent", bind);
  add("nodeUnsupported", node_unsupported);
  add("bindToNode", bind_node);
  add("fileFacts", facts_of_file);
  add("capabilities", capabilities);
  add("deviceCeilingUnsupported", device_unsupported);
  add("chooseDeviceRecipe", choose_recipe);
}

}  // namespace weighbridge::bindings
