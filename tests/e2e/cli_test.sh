#!/usr/bin/env bash
# The command line without LibTorch: verbs on an .ingot file, bad input, exit codes, interrupts.
# cli_test.sh INGOT MAKE_ARTIFACT MAKE_NPZ PLUGIN_OF_ANOTHER_ABI_MAJOR
source "${BASH_SOURCE[0]%/*}/lib.sh"
make_artifact="$2"
make_npz="$3"
other_major="$4"
graphs="${BASH_SOURCE[0]%/*}"

"${make_artifact}" "${graphs}/sub.graph.txt" "${work}/sub.ingot"
"${make_artifact}" "${graphs}/opaque.graph.txt" "${work}/opaque.ingot"
a="2x3xf32=1,2,3,4,5,6"
b="2x3xf32=6,5,4,3,2,1"
"${make_npz}" "${work}/ab.npz" "${a}" "${b}"
sub=("${work}/sub.ingot" --backend=reference)
given=(--input="${a}" --input="${b}")

what_goes_right() {
  run 0 --version
  prints '^ingot [0-9]+\.[0-9]+\.[0-9]+$'
  for verb in demo extract inspect run verify bench profile backends; do
    run 0 --help
    prints "^  ${verb} "
    run 0 "${verb}" --help
    prints '--json'
  done
  run 0 backends
  prints '^reference '
  run 0 run "${sub[@]}" "${given[@]}"
  prints '^out0: f32\[2,3\] = \[\[-5, -3, -1\], \[1, 3, 5\]\]$'
  prints '^arg0: f32\[2,3\] = \[\[-5, -3, -1\], \[1, 3, 5\]\]$'
  run 0 run "${sub[@]}" --inputs "${work}/ab.npz" --json
  prints '"data":\[-5.0,-3.0,-1.0,1.0,3.0,5.0\]'
  run 0 run "${sub[@]}" "${given[@]}" --output="${work}/o.npz"
  [[ -s "${work}/o.npz" ]] || fail "run --output wrote nothing"
  run 0 run "${sub[@]}" --seed=3
  run 0 extract "${sub[@]}" -o "${work}/again.ingot"
  run 0 run "${work}/again.ingot" "${given[@]}"
  prints 'on reference$'
  for format in text json dot html; do
    run 0 inspect "${sub[@]}" --format="${format}"
    prints 'aten::sub'
  done
}

benchmarks() {
  run 0 bench "${sub[@]}" --seconds=0.05 --json
  for field in model backend threads load_ms extract_ms compile_ms first_run_us min_us p50_us \
    p90_us p99_us runs rss_mb; do
    prints "\"${field}\":"
  done
  run 0 bench "${sub[@]}" --clients=3 --runs=50 --json
  prints '"runs":50'
  run 0 bench "${sub[@]}" --seconds=0.05 --rate=1000 --clients=2
}

profiles() {
  run 0 profile "${sub[@]}" --runs=3
  prints '^1 steps, .* the slowest 1:'
  prints 'aten::sub.Tensor'
  prints 'losses \(ref and gemm implementations\): 0'
  run 0 profile "${sub[@]}" --runs=3 --json --trace="${work}/trace.json"
  for field in node op impl layout output us share gflops gbs source loss total_us; do
    prints "\"${field}\":"
  done
  grep -q '"traceEvents":' "${work}/trace.json" || fail "${last}: no events in the trace"
  grep -q '"ph":"X"' "${work}/trace.json" || fail "${last}: no complete events in the trace"
}

verification() {
  run 0 verify "${sub[@]}" "${given[@]}" --json
  prints '^\{"model":"[^"]*","backend":"reference","status":"ok","message":"","max_abs_err":0.0,"max_rel_err":0.0,"fallback":\{\}'
  # A folder: a line for each model with a .npz of its name, then the summary.
  mkdir "${work}/folder"
  cp "${work}/sub.ingot" "${work}/folder/a.ingot"
  cp "${work}/opaque.ingot" "${work}/folder/b.ingot"
  echo "no model" >"${work}/folder/c.ingot"
  cp "${work}/sub.ingot" "${work}/folder/without_inputs.ingot"
  echo "an archive" >"${work}/folder/d.pt2"
  for name in a c d; do cp "${work}/ab.npz" "${work}/folder/${name}.npz"; done
  "${make_npz}" "${work}/folder/b.npz" "${a}"
  run 3 verify "${work}/folder" --backend=reference --json
  [[ "$(wc -l <"${work}/out")" == 5 ]] || fail "verify of a folder: $(cat "${work}/out")"
  prints '/a.ingot","backend":"reference","status":"ok"'
  prints '/b.ingot","backend":"reference","status":"unsupported"'
  prints '/c.ingot","backend":"reference","status":"refused"'
  prints '/d.pt2","backend":"reference","status":"refused"'
  prints '^\{"summary":true,"cases":4,"ok":1,"mismatch":0,"refused":2,"unsupported":1,"error":0\}$'
  run 3 verify "${work}/folder" --backend=reference --only=pt2 --json
  prints '^\{"summary":true,"cases":1,"ok":0,"mismatch":0,"refused":1,"unsupported":0,"error":0\}$'
  refused 2 'leave --inputs' verify "${work}/folder" --inputs="${work}/ab.npz"
  mkdir "${work}/empty"
  refused 2 'no .pt, .pt2, .ingot file here' verify "${work}/empty"
  refused 2 'no .pt file here' verify "${work}/folder" --only=pt
  refused 2 'is for folders' verify "${sub[@]}" --only=ingot
}

bad_command_lines() {
  refused 2 'no verb given'
  refused 2 'unknown verb "fly"; the verbs are demo' fly
  for verb in cache serve; do refused 2 "unknown verb \"${verb}\"" "${verb}"; done
  refused 2 'MODEL is required' run
  refused 2 'unknown option --bakend; did you mean --backend' run "${sub[0]}" --bakend=reference
  refused 2 'unknown option --nonsense' verify "${sub[0]}" --nonsense
  refused 2 'unexpected argument' run "${sub[@]}" second.ingot
  refused 2 'rtol' verify "${sub[@]}" --rtol=much
  refused 2 'threads' run "${sub[@]}" --threads=many
  refused 2 'fallback' run "${sub[@]}" --fallback=perhaps
  refused 2 'no disk cache' run "${sub[@]}" --cache-dir="${work}"
  refused 2 'none.conf' run "${sub[@]}" --config="${work}/none.conf"
  refused 2 '"xml" is not one of' inspect "${sub[@]}" --format=xml
  refused 2 'needs -o' extract "${sub[@]}"
  refused 2 'rate' bench "${sub[@]}" --rate=0
  refused 2 'not both' run "${sub[@]}" "${given[@]}" --inputs="${work}/ab.npz"
}

bad_models() {
  refused 3 'none.ingot: cannot be read: No such file' run "${work}/none.ingot"
  refused 3 'is no model file' run "${work}"
  head -c 200 "${work}/sub.ingot" >"${work}/cut.ingot"
  refused 3 'cut.ingot' run "${work}/cut.ingot"
  : >"${work}/empty.ingot"
  refused 3 'empty.ingot' run "${work}/empty.ingot"
  # Any damaged byte is found.
  local size offset
  size="$(stat -c %s "${work}/sub.ingot")"
  for ((offset = 0; offset < size; offset += size / 7)); do
    cp "${work}/sub.ingot" "${work}/damaged.ingot"
    printf '\xa5' | dd of="${work}/damaged.ingot" bs=1 seek="${offset}" conv=notrunc status=none
    cmp -s "${work}/sub.ingot" "${work}/damaged.ingot" ||
      refused 3 'damaged.ingot' run "${work}/damaged.ingot" --backend=reference
  done
  refused 4 'fallback: aten::no_such_op=1' run "${work}/opaque.ingot" --backend=reference
  refused 4 'fallback: aten::sub=1' run "${sub[@]}" --force-fallback=aten::sub
  refused 4 'fallback: aten::no_such_op=1' extract "${work}/opaque.ingot" --backend=reference \
    -o "${work}/never.ingot"
  [[ ! -e "${work}/never.ingot" ]] || fail "a refused extraction left a file"
}

bad_inputs() {
  refused 2 'column 7: 1 values' run "${sub[@]}" --input=2xf32=1
  refused 2 'nothing.npz' run "${sub[@]}" --inputs="${work}/nothing.npz"
  echo "no archive" >"${work}/text.npz"
  refused 2 'text.npz: not a .npz archive' run "${sub[@]}" --inputs="${work}/text.npz"
  head -c 300 "${work}/ab.npz" >"${work}/cut.npz"
  refused 2 'cut.npz' run "${sub[@]}" --inputs="${work}/cut.npz"
  refused 3 'argument' run "${sub[@]}" --input="${a}"
  refused 3 'argument' run "${sub[@]}" "${given[@]}" --input="${a}"
  refused 3 'argument 1' run "${sub[@]}" --input="${a}" --input=2x3xf64
  refused 3 'argument 1' run "${sub[@]}" --input="${a}" --input=3x2xf32
  refused 2 'none/o.npz' run "${sub[@]}" --output="${work}/none/o.npz"
  refused 2 'not a regular file' run "${sub[@]}" --output="${work}/folder"
}

bad_backends() {
  refused 2 'fpga' run "${work}/sub.ingot" --backend=fpga
  refused 2 'none.so' run "${work}/sub.ingot" --backend="${work}/none.so"
  echo "no plugin" >"${work}/libingot_text.so"
  refused 5 'libingot_text.so' run "${work}/sub.ingot" --backend="${work}/libingot_text.so"
  # That plugin logs a line before it is refused.
  run 5 run "${work}/sub.ingot" --backend="${PWD}/${other_major}"
  grep -q '^ingot: .*is of ABI major 2, this is 1$' "${work}/err" || fail "${last}: $(cat "${work}/err")"
}

interrupts() {
  "${ingot}" bench "${sub[@]}" --seconds=1000 --json >"${work}/out" 2>"${work}/err" &
  local pid=$! code=0
  # The plugin is loaded after the handler is installed.
  until grep -q libingot_reference "/proc/${pid}/maps" 2>/dev/null; do
    kill -0 "${pid}" 2>/dev/null || break
  done
  kill -INT "${pid}"
  wait "${pid}" || code=$?
  cases=$((cases + 1))
  [[ "${code}" == 130 ]] || fail "interrupted bench: exit code ${code}: $(cat "${work}/err")"
  [[ ! -s "${work}/out" ]] || fail "interrupted bench: prints $(cat "${work}/out")"
}

what_goes_right
benchmarks
profiles
verification
bad_command_lines
bad_models
bad_inputs
bad_backends
interrupts
without_libtorch run "${sub[@]}"
without_libtorch bench "${sub[@]}" --seconds=0.01
without_libtorch inspect "${sub[@]}"
run 0 extract "${work}/sub.ingot" -o "${work}/chosen.ingot"
without_libtorch run "${work}/chosen.ingot"
prints 'on onednn$'
leftovers="$(find "${work}" -name '*tmp*')"
[[ -z "${leftovers}" ]] || fail "left behind: ${leftovers}"
finish
