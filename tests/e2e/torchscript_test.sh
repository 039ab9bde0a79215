#!/usr/bin/env bash
# The command line on TorchScript files: extract once, then run, verify and bench what was extracted.
# torchscript_test.sh INGOT MAKE_DATA_DEPENDENT FILE…
source "${BASH_SOURCE[0]%/*}/lib.sh"
make_data_dependent="$2"
shift 2
link_models "$@"

# An extracted model runs on these without LibTorch, with the results it has there from the .pt file.
extracted_models_need_no_libtorch() {
  local name backend
  for name in mlp resnet50 inplace_update; do
    for backend in onednn reference; do
      local file="${work}/${name}.${backend}.ingot"
      run 0 extract "${models}/${name}.pt" --inputs="${models}/${name}.npz" --backend="${backend}" -o "${file}"
      run 0 run "${models}/${name}.pt" --inputs="${models}/${name}.npz" --backend="${backend}" --json
      sed 's/"model":"[^"]*"//' "${work}/out" >"${work}/from_pt"
      without_libtorch run "${file}" --inputs="${models}/${name}.npz" --json
      sed 's/"model":"[^"]*"//' "${work}/out" >"${work}/from_ingot"
      cmp -s "${work}/from_pt" "${work}/from_ingot" || fail "${name} on ${backend}: .pt and .ingot differ"
      without_libtorch bench "${file}" --inputs="${models}/${name}.npz" --runs=2
      run 0 verify "${file}" --inputs="${models}/${name}.npz"
    done
  done
}

bad_models() {
  refused 3 'none.pt' run "${work}/none.pt"
  head -c 3000 "${models}/mlp.pt" >"${work}/cut.pt"
  refused 3 'cut.pt' run "${work}/cut.pt" --inputs="${models}/mlp.npz"
  echo "no archive" >"${work}/text.pt"
  refused 3 'text.pt' run "${work}/text.pt"
  # Arguments that forward does not take.
  refused 3 'argument' run "${models}/sub.pt"
  refused 3 'sub.pt' run "${models}/sub.pt" --input=2x3xf32
  refused 3 'sub.pt' run "${models}/sub.pt" --input=2x3xf32 --input=2x4xf32
  refused 4 'fallback.*aten::sub' run "${models}/sub.pt" --input=2x3xf32 --input=2x3xf32 \
    --backend=onednn --force-fallback=aten::sub
}

comparisons() {
  run 0 verify "${models}/eager_tensor.pt" --inputs="${models}/eager_tensor.npz" --backend=torchscript --json
  prints '"status":"ok","message":""'
  run 0 verify "${models}/eager_tensor.pt" --inputs="${models}/eager_tensor.npz" --backend=reference --json
  prints '"status":"ok","message":"drawn at random'
  run 0 verify "${models}/sub.pt" --inputs="${models}/sub.npz" --backend=reference --force-fallback=aten::sub \
    --fallback=allow --json
  prints '"fallback":\{"aten::sub":1\}'
  run 0 bench "${models}/mlp.pt" --inputs="${models}/mlp.npz" --backend=onednn --seconds=0.1 --peer=frozen --json
  prints '"peer":"frozen".*"peer_ratio":'
}

# What can't be a graph is refused, or runs whole on LibTorch where fallback is allowed.
data_dependent_models() {
  local file="${work}/dependent.pt"
  "${make_data_dependent}" "${file}"
  refused 3 'data-dependent: aten::item reads a number out of a value computed from argument 0' \
    run "${file}" --input=2xf32=1,2 --backend=torchscript
  run 0 run "${file}" --input=2xf32=1,2 --backend=torchscript --fallback=allow --json
  prints '"backend":"LibTorch eager".*"results":.*"data":\[2.0,3.0\].*"arguments":.*"arg0".*"data":\[2.0,3.0\]'
  grep -q 'fallback: the whole model runs on LibTorch' "${work}/err" || fail "${last}: does not tell of the fallback"
  run 0 run "${file}" --input=2xf32=-1,-2 --backend=torchscript --fallback=warn --json
  prints '"data":\[1.0,2.0\].*"arguments":\[\]'
  refused 3 'data-dependent: aten::item' verify "${file}" --input=2xf32=1,2 --backend=torchscript
  refused 3 'data-dependent: aten::item' bench "${file}" --input=2xf32=1,2 --backend=torchscript --runs=2
  local policy oracle
  for policy in allow warn; do
    for oracle in eager float64; do
      run 0 verify "${file}" --input=2xf32=1,2 --backend=torchscript --fallback="${policy}" --oracle="${oracle}" --json
      prints '"backend":"LibTorch eager".*"status":"ok","message":"the whole model runs on LibTorch: .*data-dependent.*"fallback":{"aten::item":1}.*"draws":11'
    done
    run 0 bench "${file}" --input=2xf32=1,2 --backend=torchscript --fallback="${policy}" --runs=20 --clients=2 --json
    prints '"backend":"LibTorch eager".*"compile_ms":0(\.0)?,.*"runs":20'
    grep -q 'fallback: the whole model runs on LibTorch' "${work}/err" || fail "${last}: does not tell of the fallback"
  done
  run 0 bench "${file}" --input=2xf32=1,2 --fallback=allow --peer=eager --seconds=0.1 --json
  prints '"peer":"eager"'
  refused 3 'data-dependent' extract "${file}" --input=2xf32=1,2 --fallback=allow -o "${work}/never.ingot"
}

extracted_models_need_no_libtorch
bad_models
comparisons
data_dependent_models
finish
