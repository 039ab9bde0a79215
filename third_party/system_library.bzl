"""A repository over a library that the operating system (or a prefix of the user's choice) provides."""

_DEFAULT_PREFIX = "/usr"
_MULTIARCH = "x86_64-linux-gnu"

def find_prefix(ctx, env):
    """Returns the installation prefix: the override from the environment, or the system's."""
    override = ctx.os.environ.get(env, "")
    return override if override else _DEFAULT_PREFIX

def library_dirs(prefix):
    """Returns the folders below `prefix` where libraries may be, in the order of search."""
    return [prefix + "/lib/" + _MULTIARCH, prefix + "/lib64", prefix + "/lib"]

def find_file(ctx, folders, file, env, package):
    """Returns the path of `file` in the first of `folders` that has it; fails by naming the package."""
    for folder in folders:
        path = ctx.path(folder + "/" + file)
        if path.exists:
            return path
    fail("%s is not in %s: install the package %s, or set %s to a prefix that holds it" %
         (file, " or ".join(folders), package, env))

def link_search_options(prefix):
    """Returns linker options that find the libraries of a non-system prefix at link and run time."""
    if prefix == _DEFAULT_PREFIX:
        return []
    options = []
    for folder in library_dirs(prefix):
        options += ["-L" + folder, "-Wl,-rpath," + folder]
    return options

def _system_library_impl(ctx):
    prefix = find_prefix(ctx, ctx.attr.env)
    for header in ctx.attr.headers:
        folders = [prefix + "/include", prefix + "/include/" + _MULTIARCH]
        ctx.symlink(find_file(ctx, folders, header, ctx.attr.env, ctx.attr.package), "include/" + header)
    for library in ctx.attr.libraries:
        path = find_file(ctx, library_dirs(prefix), library, ctx.attr.env, ctx.attr.package)
        ctx.symlink(path, "lib/" + library)
    for program in ctx.attr.programs:
        path = find_file(ctx, [prefix + "/bin"], program, ctx.attr.env, ctx.attr.package)
        ctx.symlink(path, "bin/" + program)
    ctx.template("BUILD.bazel", ctx.attr.build_file, {
        "%{link_search}": repr(link_search_options(prefix)),
    })

_system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "build_file": attr.label(mandatory = True, allow_single_file = True),
        "env": attr.string(mandatory = True, doc = "Environment variable that names another prefix."),
        "headers": attr.string_list(doc = "Files or folders of <prefix>/include."),
        "libraries": attr.string_list(doc = "Static archives to link as files."),
        "package": attr.string(mandatory = True, doc = "Debian packages to name in errors."),
        "programs": attr.string_list(doc = "Files of <prefix>/bin."),
    },
    environ = [
        "INGOT_BENCHMARK_DIR",
        "INGOT_CLI11_DIR",
        "INGOT_CPYTHON_DIR",
        "INGOT_FLATBUFFERS_DIR",
        "INGOT_GOOGLETEST_DIR",
        "INGOT_HIGHWAY_DIR",
        "INGOT_LIBSECCOMP_DIR",
        "INGOT_LIBZIP_DIR",
        "INGOT_NLOHMANN_JSON_DIR",
        "INGOT_OPENSSL_DIR",
        "INGOT_PATCHELF_DIR",
        "INGOT_UTF8PROC_DIR",
    ],
    local = True,
)

def system_library(**kwargs):
    """Declares a repository with the library's headers, archives and programs linked in."""
    _system_library(**kwargs)
