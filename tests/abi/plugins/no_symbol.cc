// A shared object that is no plugin.

extern "C" int ingot_not_a_query() { return 0; }
