#!/usr/bin/env bash
# The command line on torch.export archives: no LibTorch in the process, results equal to LibTorch's in a child.
# pt2_test.sh INGOT CORPUS_ARCHIVE… MODEL_FILE…
source "${BASH_SOURCE[0]%/*}/lib.sh"
corpus=()
models=()
for file in "${@:2}"; do
  case "${file}" in
    */corpus/archive/*.pt2) corpus+=("${file}") ;;
    *.pt2) models+=("${file}") ;;
  esac
done

# parent_without_libtorch ARGUMENT…: runs well; a child may load LibTorch, the process itself doesn't.
parent_without_libtorch() {
  rm -f "${work}"/loaded.*
  LD_DEBUG=files LD_DEBUG_OUTPUT="${work}/loaded" "${ingot}" "$@" >"${work}/out" 2>"${work}/err" &
  local pid=$!
  cases=$((cases + 1))
  last="ingot $*"
  wait "${pid}" || fail "${last}: $(cat "${work}/err" "${work}/out")"
  if grep -qE "libtorch|libc10|libingot_frontend" "${work}/loaded.${pid}"; then
    fail "${last}: loads LibTorch into its own process"
  fi
}

exported_models() {
  for model in "${models[@]}"; do
    for backend in onednn reference; do
      without_libtorch run "${model}" --backend="${backend}" --inputs="${model%.pt2}.npz"
      parent_without_libtorch verify "${model}" --backend="${backend}" --inputs="${model%.pt2}.npz" --fresh=2 --json
      prints '"status":"ok"'
    done
    without_libtorch inspect "${model}" --backend=onednn
  done
}

# The same graph comes out of both files, so the results are the same bits.
same_bits_as_traced() {
  local model file
  for model in "${models[@]}"; do
    for file in "${model%.pt2}.pt" "${model}"; do
      run 0 run "${file}" --inputs="${model%.pt2}.npz" --backend=onednn --seed=1 --json
      sed 's/^{"model":"[^"]*",//' "${work}/out" >"${work}/result.${file##*.}"
    done
    cmp -s "${work}/result.pt" "${work}/result.pt2" || fail "${model}: other bits than the traced file's"
  done
}

# Without a .pt beside them: against their own graphs on LibTorch's kernels.
corpus_archives() {
  local archive name
  for archive in "${corpus[@]}"; do
    name="$(basename "${archive}" .pt2)"
    case "${name}" in
      cond) refused 3 'higher_order.cond' run "${archive}" --backend=reference ;;
      item) refused 3 'data-dependent: item' run "${archive}" --backend=reference ;;
      *)
        for backend in onednn reference; do
          parent_without_libtorch verify "${archive}" --backend="${backend}" --fresh=2 --json
          prints '"status":"ok"'
        done
        ;;
    esac
  done
}

other_verbs() {
  local archive="${models[0]}"
  run 0 extract "${archive}" -o "${work}/m.ingot" --backend=onednn
  run 0 run "${work}/m.ingot"
  without_libtorch bench "${archive}" --backend=onednn --seconds=0.05 --json
  prints '"p50_us":'
}

bad_files() {
  head -c 300 "${models[0]}" >"${work}/cut.pt2"
  refused 3 'cut.pt2: not a sound zip archive' run "${work}/cut.pt2"
  : >"${work}/empty.pt2"
  refused 3 'empty.pt2' run "${work}/empty.pt2"
  cp "${models[0]%.pt2}.npz" "${work}/npz.pt2"
  refused 3 'no torch.export archive' run "${work}/npz.pt2"
  refused 3 'takes 3 tensors, not 1' run "${models[0]%/*}/addcmul.pt2" --input=1x1xf32
  refused 3 'argument 0 \(.*\), dimension 0' run "${models[0]%/*}/const_scale.pt2" --input=1x1xf32
}

exported_models
same_bits_as_traced
corpus_archives
other_verbs
bad_files
finish
