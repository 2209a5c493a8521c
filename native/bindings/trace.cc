#include "trace.h"

#include <string>
#include <vector>

#include "convert.h"

namespace weighbridge::bindings {

namespace {

template <class Item, class Fill>
Napi::Array list_of(Napi::Env env, const std::vector<Item>& items, Fill fill) {
  Napi::Array list = Napi::Array::New(env, items.size());
  for (uint32_t i = 0; i < items.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    fill(object, items[i]);
    list.Set(i, object);
  }
  return list;
}

Napi::Number moment(Napi::Env env, int64_t ns) { return number(env, static_cast<uint64_t>(ns)); }

void set_range(Napi::Env env, Napi::Object& object, const TensorRange& range) {
  object.Set("part", number(env, range.part));
  object.Set("offset", number(env, range.offset));
  object.Set("bytes", number(env, range.bytes));
}

Napi::Array accesses_to_js(Napi::Env env, const std::vector<Access>& accesses) {
  return list_of(env, accesses, [env](Napi::Object& object, const Access& access) {
    set_range(env, object, access.range);
    object.Set("beginNs", moment(env, access.begin_ns));
    object.Set("endNs", moment(env, access.end_ns));
    object.Set("askedNs", moment(env, access.asked_ns));
    object.Set("waitNs", number(env, access.wait_ns));
    object.Set("minorFaults", number(env, access.minor_faults));
    object.Set("majorFaults", number(env, access.major_faults));
    object.Set("readBytes", number_or_null(env, access.read_bytes));
    object.Set("rss", number_or_null(env, access.rss));
  });
}

}  // namespace

Napi::Value trace_to_js(Napi::Env env, const std::optional<Trace>& trace) {
  if (!trace) return env.Null();
  Napi::Object object = Napi::Object::New(env);
  object.Set("phases", list_of(env, trace->phases, [env](Napi::Object& phase, const TracedPhase& traced) {
               phase.Set("name", traced.name);
               phase.Set("beginNs", moment(env, traced.begin_ns));
               phase.Set("endNs", moment(env, traced.end_ns));
             }));
  object.Set("tensors", list_of(env, trace->tensors, [env](Napi::Object& tensor, const TracedTensor& traced) {
               tensor.Set("name", traced.name);
               set_range(env, tensor, traced.range);
               tensor.Set("residentLoaded", number_or_null(env, traced.resident_loaded));
               tensor.Set("residentFirstToken", number_or_null(env, traced.resident_first_token));
             }));
  object.Set("firstToken", accesses_to_js(env, trace->first_token));
  object.Set("complete", accesses_to_js(env, trace->complete));
  return object;
}

}  // namespace weighbridge::bindings
