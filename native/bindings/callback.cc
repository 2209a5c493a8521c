#include "callback.h"

#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../loaders/arena.h"
#include "convert.h"

namespace weighbridge::bindings {

namespace {

[[noreturn]] void bad_callback(std::string message, const std::string& path = {}) {
  throw Error(Reason{.code = "bad-callback",
                     .operation = "load",
                     .path = path,
                     .message = std::move(message),
                     .remedy = "give one Uint8Array a part, of end - begin bytes, in the memory of allocate(part)"});
}

struct Failure {
  Reason reason;
  Napi::ObjectReference thrown;
};

// What one call of the function shares with the `allocate` that it was given, which may outlive it.
struct Call {
  bool running = true;
  uint64_t most_bytes = 0;
  // What allocate threw: where the function lets it through, our reason says more than the error that it became.
  std::vector<Failure> failures;
  std::map<const void*, std::shared_ptr<AnonymousMemory>> allocated;
};

class CallEnd {
 public:
  explicit CallEnd(Call& call) : call_(call) {}
  ~CallEnd() {
    call_.running = false;
    call_.allocated.clear();
    call_.failures.clear();
  }

 private:
  Call& call_;
};

// Bytes that one ArrayBuffer may have (4 GiB in Node 20). V8 ends the process where one is to have more.
uint64_t most_array_bytes(Napi::Env env) {
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  const Napi::Function get = process.Get("getBuiltinModule").As<Napi::Function>();
  const Napi::Object buffer = get.Call(process, {Napi::String::New(env, "node:buffer")}).As<Napi::Object>();
  return whole(buffer.Get("constants").As<Napi::Object>(), "MAX_LENGTH");
}

void check_fits(uint64_t bytes, uint64_t most, const std::string& path) {
  if (bytes <= most) return;
  throw Error(Reason{.code = "buffer-size-unsupported",
                     .operation = "load",
                     .path = path,
                     .message = "a part of " + std::to_string(bytes) + " bytes is larger than one buffer of this Node (" +
                                std::to_string(most) + " bytes)",
                     .remedy = "use a newer Node, or split the model"});
}

// Memory of [begin, end) as an ArrayBuffer of its own pages, not yet touched, at begin modulo the page size. The pages
// belong to the weights and to the buffer: they are unmapped when both are gone.
Napi::Value allocate(Napi::Env env, const Napi::Object& part, Call& call) {
  if (!call.running) bad_callback("allocate was called after the loader's function had returned");
  const uint64_t begin = whole(part, "begin"), end = whole(part, "end");
  if (end < begin) bad_callback("allocate was given a part that ends before it begins");
  check_fits(end - begin, call.most_bytes, text(part, "path"));
  if (end == begin) return Napi::Uint8Array::New(env, 0);
  const uint64_t into_page = begin % page_size();
  auto memory = std::make_shared<AnonymousMemory>(into_page + (end - begin), page_size());
  std::byte* const data = memory->data() + into_page;
  call.allocated.emplace(data, memory);
  const auto release = [](Napi::Env, void*, std::shared_ptr<AnonymousMemory>* held) { delete held; };
  const Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, data, end - begin, release,
                                                          new std::shared_ptr<AnonymousMemory>(std::move(memory)));
  return Napi::Uint8Array::New(env, end - begin, buffer, 0);
}

Napi::Function allocator(Napi::Env env, const std::shared_ptr<Call>& call) {
  return Napi::Function::New(
      env,
      [call](const Napi::CallbackInfo& info) -> Napi::Value {
        return guarded(info.Env(), [&] {
          try {
            if (info.Length() < 1 || !info[0].IsObject()) bad_callback("allocate takes a part");
            return allocate(info.Env(), info[0].As<Napi::Object>(), *call);
          } catch (const Error& error) {
            const Napi::Error thrown = to_js_error(info.Env(), error.reason());
            if (call->running) call->failures.push_back({error.reason(), Napi::Persistent(thrown.Value())});
            throw thrown;
          }
        });
      },
      "allocate");
}

// The views that the function gave. They go with the weights: their memory, where it is ours, then returns to the system
// at once, and the buffers are detached, so that nobody reads what is no longer there.
class Views {
 public:
  explicit Views(Napi::Env env) : env_(env) {}
  ~Views() {
    const Napi::HandleScope scope(env_);
    for (const View& view : views_) {
      if (view.memory == nullptr) continue;
      // At the end of the environment nothing can be detached any more, and nobody is left to read.
      napi_value buffer = nullptr;
      const napi_value array = view.array.Value();
      if (napi_get_typedarray_info(env_, array, nullptr, nullptr, nullptr, &buffer, nullptr) == napi_ok) {
        napi_detach_arraybuffer(env_, buffer);
      }
      ::madvise(view.memory->data(), view.memory->bytes(), MADV_DONTNEED);
    }
  }
  Views(const Views&) = delete;
  Views& operator=(const Views&) = delete;

  void add(const Napi::Uint8Array& array, std::shared_ptr<AnonymousMemory> memory) {
    views_.push_back({Napi::Persistent(array), std::move(memory)});
  }

 private:
  struct View {
    Napi::Reference<Napi::Uint8Array> array;
    std::shared_ptr<AnonymousMemory> memory;  // null where the function used memory of its own
  };
  Napi::Env env_;
  std::vector<View> views_;
};

// What was thrown may be anything, and run code of the function's author when it is looked at (getters, a Proxy): what
// throws then is as if it were not there.
Napi::Value thrown_value(const Napi::Error& error) {
  const Napi::Value value = error.Value();
  if (error.Env().IsExceptionPending()) error.Env().GetAndClearPendingException();
  return value;
}

Napi::Value property(const Napi::Object& object, const char* name) {
  try {
    return object.Get(name);
  } catch (const Napi::Error&) {
    return object.Env().Undefined();
  }
}

std::string text_of(const Napi::Value& value) {
  try {
    return value.ToString().Utf8Value();
  } catch (const Napi::Error&) {
    return {};
  }
}

// Properties of an error of Node's own file system tell the step, the path and errno.
Reason reason_of(const Napi::Value& thrown) {
  Reason reason = {.code = "callback-failed", .operation = "load", .message = {}};
  if (!thrown.IsObject()) {
    reason.message = text_of(thrown);
  } else {
    const Napi::Object object = thrown.As<Napi::Object>();
    const auto given = [&](const char* name) {
      const Napi::Value value = property(object, name);
      return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
    };
    reason.message = given("message");
    if (const std::string step = given("syscall"); !step.empty()) reason.operation = step;
    reason.path = given("path");
    const Napi::Value number = property(object, "errno");
    if (number.IsNumber() && number.As<Napi::Number>().DoubleValue() < 0) {
      reason.error_number = -number.As<Napi::Number>().Int32Value();
    }
  }
  reason.message.resize(std::min(reason.message.find('\n'), reason.message.size()));
  if (reason.message.empty()) reason.message = "the loader's function threw an error without a message";
  return reason;
}

Reason reason_of(const Napi::Value& thrown, const Call& call) {
  for (const Failure& failure : call.failures) {
    if (thrown.StrictEquals(failure.thrown.Value())) return failure.reason;
  }
  return reason_of(thrown);
}

Napi::Array to_js(Napi::Env env, std::span<const Part> parts, std::span<const Extent> wanted) {
  Napi::Array array = Napi::Array::New(env, parts.size());
  for (uint32_t index = 0; index < parts.size(); ++index) {
    Napi::Object part = Napi::Object::New(env);
    part.Set("path", parts[index].path);
    part.Set("bytes", number(env, parts[index].bytes));
    part.Set("begin", number(env, wanted[index].begin));
    part.Set("end", number(env, wanted[index].end));
    array.Set(index, part);
  }
  return array;
}

// What the function returned, as one array a part.
Supplied checked(const Napi::Value& given, std::span<const Part> parts, Call& call) {
  if (given.IsPromise()) bad_callback("the loader's function returned a promise; it must be synchronous");
  if (!given.IsArray()) bad_callback("the loader's function did not return an array");
  const Napi::Array array = given.As<Napi::Array>();
  if (array.Length() != parts.size()) {
    bad_callback("the loader's function returned " + std::to_string(array.Length()) + " buffers for " +
                 std::to_string(parts.size()) + " parts");
  }
  Supplied supplied;
  const auto views = std::make_shared<Views>(given.Env());
  for (uint32_t index = 0; index < parts.size(); ++index) {
    const std::string& path = parts[index].path;
    const Napi::Value element = array.Get(index);
    if (!element.IsTypedArray() || element.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      bad_callback("the loader's function did not give a Uint8Array", path);
    }
    const Napi::Uint8Array bytes = element.As<Napi::Uint8Array>();
    // A buffer shared between threads has no ArrayBuffer to hold.
    if (!bytes.Get("buffer").IsArrayBuffer()) bad_callback("the loader's function gave shared memory", path);
    if (bytes.ArrayBuffer().IsDetached()) bad_callback("the loader's function gave a buffer that was detached", path);
    // Shrinking one would take pages away that the model still reads.
    if (bytes.ArrayBuffer().Get("resizable").ToBoolean()) {
      bad_callback("the loader's function gave a buffer that can be resized", path);
    }
    const std::byte* const data = reinterpret_cast<const std::byte*>(bytes.Data());
    const auto owned = call.allocated.find(bytes.ArrayBuffer().Data());
    views->add(bytes, owned != call.allocated.end() ? owned->second : nullptr);
    supplied.parts.emplace_back(data, bytes.ByteLength());
  }
  supplied.owner = views;
  return supplied;
}

}  // namespace

FunctionSupplier::FunctionSupplier(const Napi::Object& object) {
  const Napi::Value value = object.Get("load");
  if (value.IsUndefined()) return;
  if (!value.IsFunction()) {
    throw Error(Reason{.code = "bad-option", .operation = "arguments", .message = "load must be a function"});
  }
  load_ = value.As<Napi::Function>();
}

Supplied FunctionSupplier::supply(std::span<const Part> parts, std::span<const Extent> wanted) {
  const Napi::Env env = load_.Env();
  const Napi::HandleScope scope(env);
  const auto call = std::make_shared<Call>();
  const CallEnd end(*call);
  try {
    call->most_bytes = most_array_bytes(env);
    for (size_t index = 0; index < parts.size(); ++index) {
      check_fits(wanted[index].bytes(), call->most_bytes, parts[index].path);
    }
    return checked(load_.Call({to_js(env, parts, wanted), allocator(env, call)}), parts, *call);
  } catch (const Napi::Error& error) {
    throw Error(reason_of(thrown_value(error), *call));
  }
}

}  // namespace weighbridge::bindings
