// The physical limits that run as samples of a run, in a process of their own.
#include "../probes/ceilings.h"

#include "../format/gguf.h"
#include "convert.h"

namespace weighbridge::bindings {

namespace {

Napi::Value run_ceiling(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object spec = info[0].As<Napi::Object>();
    const std::string ceiling = text(spec, "ceiling");
    // Only then the header is read: before the barrier the model must stay as cold as it was made.
    const BarrierTimes times = pass(barrier_of(spec));
    const gguf::Model model = gguf::parse(text(spec, "path"));
    std::vector<Part> parts;
    for (const gguf::Part& part : model.parts) parts.push_back({part.path, part.bytes});
    const std::vector<TensorRange> ranges = forward_order(model);
    const auto measure = [&] {
      if (ceiling == "memory") return memory_ceiling(parts, ranges, small(spec, "threads"));
      const DeviceRecipe recipe = recipe_of(spec.Get("recipe").As<Napi::Object>());
      return ceiling == "home" ? home_ceiling(parts, ranges, recipe) : device_ceiling(parts, ranges, recipe);
    };
    const CeilingResult result = measure();
    Napi::Object object = Napi::Object::New(env);
    object.Set("bytes", number(env, result.bytes));
    object.Set("ns", number(env, result.ns));
    object.Set("hugePages", Napi::Boolean::New(env, result.huge_pages));
    object.Set("readBytes", number_or_null(env, result.read_bytes));
    object.Set("readyAtNs", number(env, static_cast<uint64_t>(times.ready_at_ns)));
    object.Set("releasedAtNs", number(env, static_cast<uint64_t>(times.released_at_ns)));
    return object;
  });
}

}  // namespace

void export_ceilings(Napi::Env env, Napi::Object exports) {
  exports.Set("runCeiling", Napi::Function::New(env, run_ceiling, "runCeiling"));
}

}  // namespace weighbridge::bindings
