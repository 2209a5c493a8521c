// inspect and synthesize.
#include <atomic>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <type_traits>

#include "../format/gguf.h"
#include "../format/synthesize.h"
#include "../format/synthetic_weights.h"
#include "convert.h"

namespace weighbridge::bindings {

namespace {

constexpr double kMostExact = 9007199254740991.0;  // Number.MAX_SAFE_INTEGER

// Names by GGUF value type number, as docs/gguf.md has them.
constexpr const char* kValueTypeNames[] = {"uint8", "int8", "uint16", "int16",  "uint32", "int32",  "float32",
                                           "bool",  "string", "array", "uint64", "int64",  "float64"};

Napi::Value to_js(Napi::Env env, const gguf::Value& value) {
  return std::visit(
      [env](const auto& held) -> Napi::Value {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string>) {
          return Napi::String::New(env, held);
        } else if constexpr (std::is_same_v<Held, bool>) {
          return Napi::Boolean::New(env, held);
        } else if constexpr (std::is_same_v<Held, gguf::Array>) {
          Napi::Object array = Napi::Object::New(env);
          array.Set("arrayOf", kValueTypeNames[held.element_type]);
          array.Set("count", number(env, held.count));
          if (held.elements.size() != held.count) {
            array.Set("elements", env.Null());
          } else {
            Napi::Array elements = Napi::Array::New(env, held.elements.size());
            for (uint32_t i = 0; i < held.elements.size(); ++i) {
              const Napi::HandleScope scope(env);
              elements.Set(i, to_js(env, held.elements[i]));
            }
            array.Set("elements", elements);
          }
          return array;
        } else if constexpr (std::is_same_v<Held, uint64_t>) {
          if (static_cast<double>(held) > kMostExact) return Napi::BigInt::New(env, held);
          return Napi::Number::New(env, static_cast<double>(held));
        } else if constexpr (std::is_same_v<Held, int64_t>) {
          const double close = static_cast<double>(held);
          if (close > kMostExact || close < -kMostExact) return Napi::BigInt::New(env, held);
          return Napi::Number::New(env, close);
        } else {
          return Napi::Number::New(env, static_cast<double>(held));
        }
      },
      value);
}

Napi::Object to_js(Napi::Env env, const gguf::Model& model) {
  Napi::Object info = Napi::Object::New(env);
  info.Set("version", number(env, model.version));
  info.Set("alignment", number(env, model.alignment));
  Napi::Array parts = Napi::Array::New(env, model.parts.size());
  for (uint32_t i = 0; i < model.parts.size(); ++i) {
    const Napi::HandleScope scope(env);
    Napi::Object part = Napi::Object::New(env);
    part.Set("path", model.parts[i].path);
    part.Set("bytes", number(env, model.parts[i].bytes));
    part.Set("dataOffset", number(env, model.parts[i].data_offset));
    parts.Set(i, part);
  }
  info.Set("parts", parts);
  Napi::Array metadata = Napi::Array::New(env, model.metadata.size());
  for (uint32_t i = 0; i < model.metadata.size(); ++i) {
    const Napi::HandleScope scope(env);
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("key", model.metadata[i].key);
    entry.Set("type", kValueTypeNames[model.metadata[i].value.index()]);
    entry.Set("value", to_js(env, model.metadata[i].value));
    metadata.Set(i, entry);
  }
  info.Set("metadata", metadata);
  Napi::Array tensors = Napi::Array::New(env, model.tensors.size());
  for (uint32_t i = 0; i < model.tensors.size(); ++i) {
    const Napi::HandleScope scope(env);
    const gguf::Tensor& source = model.tensors[i];
    Napi::Object tensor = Napi::Object::New(env);
    tensor.Set("name", source.name);
    tensor.Set("type", gguf::traits(source.type)->name);
    Napi::Array shape = Napi::Array::New(env, source.dimensions);
    for (uint32_t d = 0; d < source.dimensions; ++d) shape.Set(d, number(env, source.shape[d]));
    tensor.Set("shape", shape);
    tensor.Set("part", number(env, source.part));
    tensor.Set("offset", number(env, source.offset));
    tensor.Set("bytes", number(env, source.bytes));
    tensors.Set(i, tensor);
  }
  info.Set("tensors", tensors);
  info.Set("headerDigest", model.header_digest);
  return info;
}

Napi::Value inspect(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object options = info[1].ToObject();
    const gguf::ParseOptions wanted{.arrays = flag(options, "arrays"), .digest = flag(options, "digest")};
    return to_js(env, gguf::parse(info[0].ToString().Utf8Value(), wanted));
  });
}

gguf::SynthesisTensor synthesis_tensor(const Napi::Object& object) {
  const std::string type = text(object, "type");
  gguf::SynthesisTensor tensor{};
  const std::optional<gguf::TensorType> known = gguf::synthetic_type(type);
  if (!known) {
    throw Error(Reason{.code = "bad-option", .operation = "arguments", .message = "no weights of type " + type});
  }
  tensor.type = *known;
  tensor.offset = whole(object, "offset");
  tensor.bytes = whole(object, "bytes");
  tensor.fill = text(object, "fill") == "ones" ? gguf::Fill::ones : gguf::Fill::normal;
  tensor.deviation = object.Get("deviation").ToNumber().FloatValue();
  tensor.stream = whole(object, "stream");
  return tensor;
}

gguf::SynthesisFile synthesis_file(const Napi::Object& object) {
  gguf::SynthesisFile file{};
  file.path = text(object, "path");
  if (!object.Get("header").IsBuffer() || !object.Get("tensors").IsArray()) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "arguments",
                       .message = "header must be a buffer and tensors an array"});
  }
  const Napi::Buffer<std::byte> header = object.Get("header").As<Napi::Buffer<std::byte>>();
  file.header.assign(header.Data(), header.Data() + header.Length());
  file.bytes = whole(object, "bytes");
  file.seed = whole(object, "seed");
  const Napi::Array tensors = object.Get("tensors").As<Napi::Array>();
  for (uint32_t i = 0; i < tensors.Length(); ++i) {
    const Napi::HandleScope scope(object.Env());
    file.tensors.push_back(synthesis_tensor(tensors.Get(i).As<Napi::Object>()));
  }
  return file;
}

// One running synthesize(): a thread of its own, so that the event loop's pool stays free, and so that tearing the
// environment down can wait for it.
class Synthesis {
 public:
  static Napi::Value start(Napi::Env env, gguf::SynthesisFile file, const Napi::Function& progress) {
    std::unique_ptr<Synthesis> made(new Synthesis(env, std::move(file)));
    const Napi::Promise promise = made->deferred_.Promise();
    made->calls_ = Napi::ThreadSafeFunction::New(env, progress, "weighbridge.synthesize", 0, 1,
                                                 [job = made.get()](Napi::Env) { job->finish(); });
    // finish() deletes it from here on.
    Synthesis* job = made.release();
    // Added after the thread-safe function, hence run before it is torn down: hooks run last to first.
    ::napi_add_env_cleanup_hook(env, stop, job);
    try {
      job->thread_ = std::thread([job] { job->run(); });
    } catch (const std::system_error&) {
      job->calls_.Release();
      throw;
    }
    return promise;
  }

 private:
  Synthesis(Napi::Env env, gguf::SynthesisFile file) : env_(env), deferred_(env), file_(std::move(file)) {}

  void run() {
    std::optional<Reason> failure;
    try {
      gguf::synthesize(file_, [this](uint64_t bytes) {
        calls_.NonBlockingCall([this, bytes](Napi::Env env, Napi::Function progress) {
          try {
            const Napi::Value more = progress.Call({number(env, bytes)});
            if (more.IsBoolean() && !more.As<Napi::Boolean>().Value()) stopped_ = true;
          } catch (const Napi::Error&) {
            stopped_ = true;
          }
        });
        return !stopped_;
      });
    } catch (const Error& error) {
      failure = error.reason();
    } catch (const std::exception& error) {
      failure = Reason{.code = "internal", .operation = "synthesize", .path = file_.path, .message = error.what()};
    }
    calls_.NonBlockingCall([this, failure](Napi::Env env, Napi::Function) {
      if (failure) {
        deferred_.Reject(to_js_error(env, *failure).Value());
      } else {
        deferred_.Resolve(env.Undefined());
      }
    });
    calls_.Release();
  }

  // On the environment's thread, after the last call.
  void finish() {
    if (thread_.joinable()) thread_.join();
    if (!torn_down_) ::napi_remove_env_cleanup_hook(env_, stop, this);
    delete this;
  }

  static void stop(void* data) {
    auto* job = static_cast<Synthesis*>(data);
    job->stopped_ = true;
    job->torn_down_ = true;
    if (job->thread_.joinable()) job->thread_.join();
  }

  Napi::Env env_;
  Napi::Promise::Deferred deferred_;
  gguf::SynthesisFile file_;
  Napi::ThreadSafeFunction calls_;
  std::atomic<bool> stopped_ = false;
  bool torn_down_ = false;
  std::thread thread_;
};

Napi::Value synthesize(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&] {
    if (!info[0].IsObject() || !info[1].IsFunction()) {
      throw Error(Reason{.code = "bad-option",
                         .operation = "arguments",
                         .message = "synthesize takes a description of the file and a function"});
    }
    return Synthesis::start(env, synthesis_file(info[0].As<Napi::Object>()), info[1].As<Napi::Function>());
  });
}

}  // namespace

void export_format(Napi::Env env, Napi::Object exports) {
  exports.Set("inspect", Napi::Function::New(env, inspect, "inspect"));
  exports.Set("synthesize", Napi::Function::New(env, synthesize, "synthesize"));
}

}  // namespace weighbridge::bindings
