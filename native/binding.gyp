{
  "targets": [
    {
      "target_name": "weighbridge",
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('.', { recursive: true }).filter((f) => f.endsWith('.cc') && !f.startsWith('build')).sort().join(' ')\")"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_CPP_EXCEPTIONS", "NAPI_VERSION=9"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++20", "-O3", "-Wall", "-Wextra", "-fvisibility=hidden", "-ffp-contract=off"],
      "libraries": ["-lpthread"]
    }
  ]
}
