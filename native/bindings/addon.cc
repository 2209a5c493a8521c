#include "convert.h"

namespace {

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  weighbridge::bindings::export_format(env, exports);
  weighbridge::bindings::export_kernel(env, exports);
  weighbridge::bindings::export_probes(env, exports);
  weighbridge::bindings::export_sample(env, exports);
  weighbridge::bindings::export_ceilings(env, exports);
  weighbridge::bindings::export_command(env, exports);
  weighbridge::bindings::export_limits(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(weighbridge, initialise)
