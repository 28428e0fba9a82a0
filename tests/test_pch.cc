// A program of nothing: it only owns the precompiled header that the tests share.
int main() { return 0; }
