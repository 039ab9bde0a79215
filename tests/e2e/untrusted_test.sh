#!/usr/bin/env bash
# `--untrusted`: models are read and recorded in a sandboxed child; what they try there ends as one line.
# untrusted_test.sh INGOT MAKE_HOSTILE MAKE_ARTIFACT FILE…
source "${BASH_SOURCE[0]%/*}/lib.sh"
make_hostile="$2"
make_artifact="$3"
graphs="${BASH_SOURCE[0]%/*}"
shift 3
link_models "$@"

# The same results as without.
results_are_the_same() {
  local file
  for file in mlp.pt resnet50.pt inplace_update.pt lstm.pt mlp.pt2 bert_base.pt2; do
    local call=("${models}/${file}" --inputs="${models}/${file%.*}.npz" --backend=onednn --json)
    run 0 run "${call[@]}"
    mv "${work}/out" "${work}/without"
    run 0 run "${call[@]}" --untrusted
    cmp -s "${work}/out" "${work}/without" || fail "${file}: another result with --untrusted"
  done
  # With the sample arguments in the file.
  run 0 run "${models}/mlp.pt2" --backend=reference --json
  mv "${work}/out" "${work}/without"
  run 0 run "${models}/mlp.pt2" --backend=reference --json --untrusted
  cmp -s "${work}/out" "${work}/without" || fail "mlp.pt2: other sample arguments with --untrusted"
}

# What a sandbox extracted runs without one, and this process never sees LibTorch.
other_verbs() {
  without_libtorch extract "${models}/mlp.pt2" --untrusted --backend=onednn -o "${work}/mlp.ingot"
  run 0 extract "${models}/mlp.pt" --inputs="${models}/mlp.npz" --untrusted --backend=onednn -o "${work}/mlp.ingot"
  without_libtorch run "${work}/mlp.ingot" --inputs="${models}/mlp.npz" --untrusted
  run 0 inspect "${models}/mlp.pt2" --untrusted --backend=onednn
  run 0 bench "${models}/mlp.pt" --inputs="${models}/mlp.npz" --untrusted --backend=onednn --runs=2
  refused 2 'leave --untrusted out' bench "${models}/mlp.pt" --inputs="${models}/mlp.npz" --untrusted --peer=eager
  refused 3 'none.pt' run "${work}/none.pt" --untrusted
  head -c 3000 "${models}/mlp.pt" >"${work}/cut.pt"
  refused 3 'cut.pt' run "${work}/cut.pt" --untrusted
  refused 3 'sub.pt.*argument' run "${models}/sub.pt" --untrusted
}

# LibTorch's own run is in the sandbox too, its state with it.
verify_untrusted() {
  local file
  for file in mlp.pt resnet50.pt inplace_update.pt mlp.pt2; do
    run 0 verify "${models}/${file}" --inputs="${models}/${file%.*}.npz" --untrusted --backend=onednn
  done
  run 0 verify "${models}/mlp.pt" --inputs="${models}/mlp.npz" --untrusted --oracle=float64 --fresh=1
  mkdir -p "${work}/folder"
  cp "${models}/sub.pt" "${models}/sub.npz" "${work}/folder"
  run 0 verify "${work}/folder" --untrusted --backend=reference
  "${make_hostile}" "${work}/harmless.pt" 'return torch.neg(x)'
  without_libtorch verify "${work}/harmless.pt" --input=2xf32=1,2 --untrusted --backend=reference
  "${make_hostile}" "${work}/hostile.pt" "(torch.save)(x, \"${work}/written\")" 'return x'
  refused 3 'forbids' verify "${work}/hostile.pt" --input=2xf32=1,2 --untrusted --backend=reference
  [[ ! -e "${work}/written" ]] || fail "a model wrote a file"
}

# hostile CODE PATTERN BODY…: a file with this forward, run with --untrusted, as lib.sh's `refused`.
hostile() {
  local code="$1" pattern="$2"
  shift 2
  "${make_hostile}" "${work}/hostile.pt" "$@"
  refused "${code}" "${pattern}" run "${work}/hostile.pt" --input=2xf32=1,2 --untrusted --untrusted-seconds=20 \
    --backend=reference
}

hostile_models() {
  "${make_hostile}" "${work}/harmless.pt" 'print("noise")' 'return torch.neg(x)'
  run 0 run "${work}/harmless.pt" --input=2xf32=1,2 --untrusted --backend=reference --json
  prints '"data":\[-1.0,-2.0\]'
  # Seen by the scan: nothing runs.
  hostile 3 'm/code/__torch__/m.py: line 7: calls from_file' 'return torch.from_file("/etc/passwd", False, 9)'
  # Not seen by the scan. Reading fails, writing ends the child.
  hostile 3 'hostile.pt' 'return torch.add(x, (torch.from_file)("/etc/passwd", False, 8, dtype=0))'
  hostile 3 'forbids' "(torch.save)(x, \"${work}/written\")" 'return x'
  hostile 3 'forbids' "return torch.add(x, (torch.from_file)(\"${work}/written\", True, 2, dtype=6))"
  [[ ! -e "${work}/written" ]] || fail "a model wrote a file"
  hostile 3 'allocate' 'return torch.add(x, torch.sum(torch.zeros([1000000, 1000000], dtype=6)))'
  "${make_hostile}" "${work}/endless.pt" 'i = 1' 'while torch.gt(i, 0):' '  i = torch.add(torch.remainder(i, 7), 1)' \
    'return x'
  refused 6 'took more than 2 s in the sandbox' run "${work}/endless.pt" --input=2xf32=1,2 --untrusted \
    --untrusted-seconds=2 --backend=reference
}

# What an .ingot file holds runs outside of the sandbox: no backend takes an op that opens a file.
files_stay_closed() {
  local backend
  "${make_artifact}" "${graphs}/from_file.graph.txt" "${work}/from_file.ingot"
  for backend in torchscript auto onednn; do
    refused 4 'fallback: aten::from_file=1' run "${work}/from_file.ingot" --backend="${backend}"
    refused 4 'fallback: aten::from_file=1' run "${work}/from_file.ingot" --backend="${backend}" --untrusted
  done
}

results_are_the_same
other_verbs
files_stay_closed
verify_untrusted
hostile_models
finish
