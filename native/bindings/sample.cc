// The child's one synchronous call a sample.
#include "../sample.h"

#include "callback.h"
#include "convert.h"
#include "trace.h"

namespace weighbridge::bindings {

namespace {

float real(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) {
    throw Error(
        Reason{.code = "bad-option", .operation = "arguments", .message = std::string(name) + " must be a number"});
  }
  return value.As<Napi::Number>().FloatValue();
}

Hyperparameters hyperparameters_of(const Napi::Object& shape) {
  return {.layers = small(shape, "layers"),
          .width = small(shape, "width"),
          .heads = small(shape, "heads"),
          .kv_heads = small(shape, "kvHeads"),
          .key_length = small(shape, "keyLength"),
          .value_length = small(shape, "valueLength"),
          .rope_dimensions = small(shape, "ropeDimensions"),
          .feed_forward = small(shape, "feedForward"),
          .vocabulary = small(shape, "vocabulary"),
          .context_trained = small(shape, "contextTrained"),
          .rope_base = real(shape, "ropeBase"),
          .norm_epsilon = real(shape, "normEpsilon")};
}

Work work_of(const std::string& name) { return name == "touch" ? Work::touch : Work::infer; }

Pass pass_of(const std::string& name) {
  if (name == "memory") return Pass::memory;
  return name == "trace" ? Pass::trace : Pass::time;
}

Napi::Object to_js(Napi::Env env, const PhaseCost& cost) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("ns", number(env, cost.ns));
  object.Set("minorFaults", number(env, cost.minor_faults));
  object.Set("majorFaults", number(env, cost.major_faults));
  object.Set("readBytes", number_or_null(env, cost.read_bytes));
  object.Set("userNs", number(env, cost.user_ns));
  object.Set("systemNs", number(env, cost.system_ns));
  return object;
}

Napi::Value to_js(Napi::Env env, const std::optional<PhaseCost>& cost) {
  if (!cost) return env.Null();
  return to_js(env, *cost);
}

Napi::Object to_js(Napi::Env env, const Memory& memory) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("rss", number_or_null(env, memory.rss));
  object.Set("pss", number_or_null(env, memory.pss));
  object.Set("pssAnonymous", number_or_null(env, memory.pss_anonymous));
  object.Set("pssShmem", number_or_null(env, memory.pss_shmem));
  object.Set("pssFile", number_or_null(env, memory.pss_file));
  object.Set("anonymous", number_or_null(env, memory.anonymous));
  object.Set("file", number_or_null(env, memory.file));
  object.Set("shmem", number_or_null(env, memory.shmem));
  object.Set("hugetlb", number_or_null(env, memory.hugetlb));
  object.Set("swap", number_or_null(env, memory.swap));
  object.Set("locked", number_or_null(env, memory.locked));
  object.Set("hugeAnonymous", number_or_null(env, memory.huge_anonymous));
  object.Set("hugeFile", number_or_null(env, memory.huge_file));
  object.Set("pageTables", number_or_null(env, memory.page_tables));
  return object;
}

Napi::Value to_js(Napi::Env env, const std::optional<Memory>& memory) {
  if (!memory) return env.Null();
  return to_js(env, *memory);
}

Napi::Object memory_of(Napi::Env env, const SampleResult& result) {
  Napi::Object memory = Napi::Object::New(env);
  memory.Set("baseline", to_js(env, result.baseline));
  memory.Set("loaded", to_js(env, result.loaded));
  memory.Set("firstToken", to_js(env, result.first_token_memory));
  memory.Set("end", to_js(env, result.end));
  Napi::Object peak = to_js(env, result.peak ? result.peak->highest : Memory{});
  peak.Set("rss", number_or_null(env, result.peak_rss));
  peak.Set("unreclaimable",
           number_or_null(env, result.peak ? std::optional(result.peak->unreclaimable) : std::nullopt));
  memory.Set("peak", peak);
  memory.Set("kvCacheBytes", number(env, result.session.kv_cache));
  memory.Set("scratchBytes", number(env, result.session.scratch));
  return memory;
}

Napi::Object tokens_of(Napi::Env env, const SampleResult& result, const SampleSpec& spec) {
  Napi::Object tokens = Napi::Object::New(env);
  tokens.Set("prompt", number(env, spec.prompt));
  tokens.Set("generated", number(env, spec.generate));
  Napi::Array per_token = Napi::Array::New(env, result.per_token_ns.size());
  for (uint32_t i = 0; i < result.per_token_ns.size(); ++i) per_token.Set(i, number(env, result.per_token_ns[i]));
  tokens.Set("perTokenNs", per_token);
  return tokens;
}

Napi::Value per_second(Napi::Env env, uint32_t tokens, const std::optional<PhaseCost>& cost) {
  if (!cost || cost->ns == 0) return env.Null();
  return Napi::Number::New(env, tokens * 1e9 / static_cast<double>(cost->ns));
}

Napi::Object to_js(Napi::Env env, const SampleResult& result, const SampleSpec& spec) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("ttftNs", number_or_null(env, result.ttft_ns));
  object.Set("completeNs", number_or_null(env, result.complete_ns));
  object.Set("settledNs", number_or_null(env, result.settled_ns));
  object.Set("waitedNs", number(env, result.waited_ns));
  object.Set("trace", trace_to_js(env, result.trace));
  Napi::Object phases = Napi::Object::New(env);
  phases.Set("setup", to_js(env, result.setup));
  phases.Set("open", to_js(env, result.open));
  phases.Set("acquire", to_js(env, result.acquire));
  phases.Set("firstToken", to_js(env, result.first_token));
  phases.Set("complete", to_js(env, result.complete));
  phases.Set("prefill", to_js(env, result.prefill));
  phases.Set("decode", to_js(env, result.decode));
  phases.Set("release", to_js(env, result.release));
  object.Set("phases", phases);
  object.Set("issuedBytes", number_or_null(env, result.issued_bytes));
  object.Set("bytesNeeded", number(env, result.bytes_needed));
  object.Set("untouchedBytes", number(env, result.untouched_bytes));
  object.Set("memory", memory_of(env, result));
  Napi::Object resident = Napi::Object::New(env);
  resident.Set("opened", number_or_null(env, result.resident_opened));
  resident.Set("loaded", number_or_null(env, result.resident_loaded));
  resident.Set("firstToken", number_or_null(env, result.resident_first_token));
  object.Set("residency", resident);
  if (result.inferred) {
    object.Set("tokens", tokens_of(env, result, spec));
    Napi::Object speed = Napi::Object::New(env);
    speed.Set("prefill", per_second(env, spec.prompt, result.prefill));
    speed.Set("decode", per_second(env, spec.generate, result.decode));
    object.Set("tokensPerSecond", speed);
    object.Set("isa", name_of(spec.isa));
    object.Set("logitsHash", result.logits_hash);
  } else {
    for (const char* name : {"tokens", "tokensPerSecond", "isa", "logitsHash"}) object.Set(name, env.Null());
  }
  object.Set("contentHash", result.content_hash ? Napi::Value(Napi::String::New(env, *result.content_hash)) : env.Null());
  Napi::Object effective = Napi::Object::New(env);
  for (const auto& [name, value] : result.effective) {
    if (const bool* truth = std::get_if<bool>(&value)) effective.Set(name, Napi::Boolean::New(env, *truth));
    if (const int64_t* count = std::get_if<int64_t>(&value)) effective.Set(name, static_cast<double>(*count));
    if (const std::string* word = std::get_if<std::string>(&value)) effective.Set(name, *word);
  }
  object.Set("effective", effective);
  Napi::Object noise = Napi::Object::New(env);
  noise.Set("voluntarySwitches", number(env, result.voluntary_switches));
  noise.Set("involuntarySwitches", number(env, result.involuntary_switches));
  noise.Set("spinBeforeNs", number(env, result.spin_before_ns));
  noise.Set("spinAfterNs", number(env, result.spin_after_ns));
  object.Set("noise", noise);
  object.Set("readyAtNs", number(env, static_cast<uint64_t>(result.barrier.ready_at_ns)));
  object.Set("releasedAtNs", number(env, static_cast<uint64_t>(result.barrier.released_at_ns)));
  object.Set("startAtNs", number(env, static_cast<uint64_t>(result.start_at_ns)));
  Napi::Array warnings = Napi::Array::New(env, result.warnings.size());
  for (uint32_t i = 0; i < result.warnings.size(); ++i) warnings.Set(i, result.warnings[i]);
  object.Set("warnings", warnings);
  return object;
}

std::optional<Hyperparameters> shape_of(const Napi::Object& object) {
  const Napi::Value shape = object.Get("shape");
  if (shape.IsNull()) return std::nullopt;
  return hyperparameters_of(shape.As<Napi::Object>());
}

std::optional<uint32_t> node_of(const Napi::Object& object) {
  if (object.Get("node").IsNull()) return std::nullopt;
  return small(object, "node");
}

Napi::Value run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object object = info[0].As<Napi::Object>();
    const SampleSpec spec = {.path = text(object, "path"),
                             .mechanism = text(object, "mechanism"),
                             .options = options(object.Get("options").As<Napi::Object>()),
                             .work = work_of(text(object, "work")),
                             .shape = shape_of(object),
                             .isa = isa_by_name(text(object, "isa")),
                             .threads = small(object, "threads"),
                             .context = small(object, "context"),
                             .batch = small(object, "batch"),
                             .prompt = small(object, "prompt"),
                             .generate = small(object, "generate"),
                             .pass = pass_of(text(object, "pass")),
                             .held = object.Get("held").ToBoolean().Value(),
                             .node = node_of(object),
                             .barrier = barrier_of(object)};
    const LoadFunctionScope function(object);
    return to_js(env, run_sample(spec), spec);
  });
}

}  // namespace

void export_sample(Napi::Env env, Napi::Object exports) {
  exports.Set("runSample", Napi::Function::New(env, run, "runSample"));
}

}  // namespace weighbridge::bindings
