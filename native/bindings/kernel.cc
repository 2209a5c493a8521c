// Instruction sets, what the kernel would take for a model, and a model held ready in this process.
#include <memory>
#include <string>
#include <vector>

#include "../format/gguf.h"
#include "../kernel/llama.h"
#include "../loaders/loader.h"
#include "../probes/process.h"
#include "callback.h"
#include "convert.h"

namespace weighbridge::bindings {

namespace {

// Bytes of one answer. V8 ends the process where it cannot allocate an array.
constexpr uint64_t most_logits = uint64_t{1} << 30;

[[noreturn]] void bad_option(const std::string& message) {
  throw Error(Reason{.code = "bad-option", .operation = "arguments", .message = message});
}

Napi::Object object_argument(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() <= index || !info[index].IsObject()) bad_option("an object is missing");
  return info[index].As<Napi::Object>();
}

uint32_t count(const Napi::Object& object, const char* name) {
  const uint64_t value = whole(object, name);
  if (value == 0 || value > INT32_MAX) bad_option(std::string(name) + " must be 1 to 2147483647");
  return static_cast<uint32_t>(value);
}

uint32_t whole_argument(const Napi::Value& value, const char* name) {
  const double given = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(given >= 0 && given <= INT32_MAX) || given != static_cast<uint32_t>(given)) {
    bad_option(std::string(name) + " must be a whole number, 0 to 2147483647");
  }
  return static_cast<uint32_t>(given);
}

Napi::Object to_js(Napi::Env env, const Hyperparameters& shape) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("layers", shape.layers);
  object.Set("width", shape.width);
  object.Set("heads", shape.heads);
  object.Set("kvHeads", shape.kv_heads);
  object.Set("keyLength", shape.key_length);
  object.Set("valueLength", shape.value_length);
  object.Set("ropeDimensions", shape.rope_dimensions);
  object.Set("feedForward", shape.feed_forward);
  object.Set("vocabulary", shape.vocabulary);
  object.Set("contextTrained", shape.context_trained);
  object.Set("ropeBase", shape.rope_base);
  object.Set("normEpsilon", shape.norm_epsilon);
  return object;
}

uint64_t bytes_of(const std::vector<TensorRange>& ranges) {
  uint64_t bytes = 0;
  for (const TensorRange& range : ranges) bytes += range.bytes;
  return bytes;
}

Napi::Value isas(const Napi::CallbackInfo& info) {
  const std::span<const Isa> available = available_isas();
  Napi::Array names = Napi::Array::New(info.Env(), available.size());
  for (uint32_t i = 0; i < available.size(); ++i) names.Set(i, name_of(available[i]));
  return names;
}

Napi::Value kernel_plan(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    if (info.Length() < 1 || !info[0].IsString()) bad_option("path must be a string");
    const Napi::Object need = object_argument(info, 1);
    const gguf::Model model = gguf::parse(info[0].As<Napi::String>().Utf8Value());
    const Hyperparameters shape = hyperparameters(model);
    const MemoryNeed memory = memory_need(shape, count(need, "context"), count(need, "batch"), count(need, "threads"));
    Napi::Object plan = Napi::Object::New(env);
    plan.Set("shape", to_js(env, shape));
    plan.Set("kvCacheBytes", number(env, memory.kv_cache));
    plan.Set("scratchBytes", number(env, memory.scratch));
    const int32_t token = beginning_of(model, shape.vocabulary);
    plan.Set("bytesNeeded", number(env, bytes_of(needed_for_first_token(model, token))));
    plan.Set("tensorBytes", number(env, bytes_of(forward_order(model))));
    return plan;
  });
}

// A model loaded by one mechanism, and the session that runs it.
class ModelSession : public Napi::ObjectWrap<ModelSession> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "ModelSession",
                       {InstanceAccessor<&ModelSession::isa>("isa", napi_enumerable),
                        InstanceAccessor<&ModelSession::shape>("shape", napi_enumerable),
                        InstanceAccessor<&ModelSession::load_ns>("loadNs", napi_enumerable),
                        InstanceMethod<&ModelSession::forward>("forward"),
                        InstanceMethod<&ModelSession::clear>("clear"),
                        InstanceMethod<&ModelSession::close>("close")});
  }

  explicit ModelSession(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ModelSession>(info) {
    guarded(info.Env(), [&] { open(object_argument(info, 0)); });
  }

 private:
  void open(const Napi::Object& wanted) {
    const std::string mechanism = text(wanted, "mechanism");
    const Loader& chosen = loader(mechanism);
    if (!chosen.keeps) bad_option("the " + mechanism + " mechanism keeps no weights, so no model can run on it");
    const LoadFunctionScope function(wanted);
    const Napi::Value given = wanted.Get("options");
    if (!given.IsObject()) bad_option("options must be an object");
    const Options chosen_options = options(given.As<Napi::Object>());
    const Isa isa = isa_by_name(text(wanted, "isa"));
    const uint32_t context = count(wanted, "context"), batch = count(wanted, "batch");
    const uint32_t threads = count(wanted, "threads");

    const int64_t open_begin = now_ns();
    const gguf::Model model = gguf::parse(text(wanted, "path"));
    const std::vector<TensorRange> order = forward_order(model);
    const int64_t opened = now_ns();
    shape_ = hyperparameters(model);
    std::vector<Part> parts;
    for (const gguf::Part& part : model.parts) parts.push_back({part.path, part.bytes});
    if (const std::optional<Reason> reason = chosen.unsupported(parts, chosen_options)) throw Error(*reason);
    session_ = std::make_unique<Session>(shape_, context, batch, threads, isa);
    const int64_t load_begin = now_ns();
    weights_ = chosen.load(parts, order, chosen_options);
    session_->bind(model, *weights_);
    load_ns_ = static_cast<uint64_t>(now_ns() - load_begin + (opened - open_begin));
    isa_ = isa;
    context_ = context;
  }

  Session& session() {
    if (session_ == nullptr) {
      throw Error(Reason{.code = "session-closed", .operation = "session", .message = "the session was closed"});
    }
    return *session_;
  }

  Napi::Value forward(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      Session& running = session();
      if (info.Length() < 3 || !info[0].IsArray()) bad_option("forward takes an array of tokens, a position and rows");
      const Napi::Array given = info[0].As<Napi::Array>();
      // A sparse array of any length costs nothing to make.
      if (given.Length() > context_) bad_option("the context has " + std::to_string(context_) + " positions");
      std::vector<int32_t> tokens(given.Length());
      for (uint32_t i = 0; i < tokens.size(); ++i) {
        const Napi::HandleScope scope(info.Env());
        tokens[i] = static_cast<int32_t>(whole_argument(given.Get(i), "token"));
      }
      const uint32_t position = whole_argument(info[1], "position");
      const uint32_t rows = whole_argument(info[2], "rows");
      running.check(tokens, position, rows);
      if (rows > most_logits / sizeof(float) / shape_.vocabulary) {
        bad_option(std::to_string(rows) + " rows of logits take more than 1 GiB: feed fewer tokens at a time");
      }
      Napi::Float32Array logits = Napi::Float32Array::New(info.Env(), uint64_t{rows} * shape_.vocabulary);
      running.forward(tokens, position, {logits.Data(), logits.ElementLength()}, rows);
      return logits;
    });
  }

  Napi::Value clear(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      session().clear();
      return info.Env().Undefined();
    });
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    session_.reset();
    weights_.reset();
    return info.Env().Undefined();
  }

  Napi::Value isa(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), name_of(isa_)); }
  Napi::Value shape(const Napi::CallbackInfo& info) { return to_js(info.Env(), shape_); }
  Napi::Value load_ns(const Napi::CallbackInfo& info) { return number(info.Env(), load_ns_); }

  Hyperparameters shape_ = {};
  Isa isa_ = Isa::scalar;
  uint32_t context_ = 0;
  uint64_t load_ns_ = 0;
  std::unique_ptr<Weights> weights_;  // outlives the session, which reads it
  std::unique_ptr<Session> session_;
};

}  // namespace

void export_kernel(Napi::Env env, Napi::Object exports) {
  exports.Set("isas", Napi::Function::New(env, isas, "isas"));
  exports.Set("kernelPlan", Napi::Function::New(env, kernel_plan, "kernelPlan"));
  auto* constructor = new Napi::FunctionReference(Napi::Persistent(ModelSession::define(env)));
  env.AddCleanupHook([constructor] { delete constructor; });
  exports.Set("openSession", Napi::Function::New(
                                 env,
                                 [constructor](const Napi::CallbackInfo& info) -> Napi::Value {
                                   std::vector<napi_value> arguments;
                                   for (size_t i = 0; i < info.Length(); ++i) arguments.push_back(info[i]);
                                   return constructor->New(arguments);
                                 },
                                 "openSession"));
}

}  // namespace weighbridge::bindings
