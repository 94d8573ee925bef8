/* Every call that the recorder watches, so that a test can compare its trace with the directory. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MUST(call) \
    if ((long)(call) < 0) { \
        perror(#call); \
        exit(1); \
    }

static int make(const char *path, int flags) {
    int fd = open(path, O_RDWR | O_CREAT | flags, 0640);
    MUST(fd);
    return fd;
}

static void writes(void) {
    struct iovec pieces[2] = {{"one", 3}, {"two", 3}};
    int fd = make("writes", O_EXCL), twin = dup(fd);
    MUST(write(fd, "0123456789", 10));
    MUST(writev(twin, pieces, 2));
    MUST(pwrite(fd, "AB", 2, 1));
    MUST(pwrite64(fd, "CD", 2, 20000));
    MUST(pwritev(fd, pieces, 2, 30));
    MUST(pwritev64(fd, pieces, 2, 40));
    MUST(pwritev2(fd, pieces, 2, 50, 0));
    MUST(pwritev2(fd, pieces, 2, -1, 0));
    MUST(lseek(twin, 5, SEEK_SET));
    MUST(write(fd, "x", 1));
    int end = make("writes", O_APPEND);
    MUST(write(end, "appended", 8));
}

static void lengths(void) {
    int fd = make("lengths", 0);
    MUST(write(fd, "0123456789", 10));
    MUST(ftruncate(fd, 5));
    MUST(ftruncate64(fd, 100));
    MUST(truncate("lengths", 80));
    MUST(truncate64("lengths", 90));
    MUST(-posix_fallocate(fd, 0, 200));
    MUST(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 900));
    MUST(fallocate64(fd, 0, 250, 50));
    MUST(write(make("emptied", 0), "gone", 4));
    make("emptied", O_TRUNC);
    MUST(creat("created", 0600));
    MUST(creat64("created", 0600));
}

static void copies(void) {
    int from = open("writes", O_RDONLY), to = open("copies", O_WRONLY | O_CREAT, 0600), ends[2];
    off_t into = 30000;
    MUST(copy_file_range(from, NULL, to, NULL, 700, 0));
    MUST(copy_file_range(from, NULL, to, &into, 70, 0));
    MUST(sendfile(to, from, NULL, 5000));
    MUST(sendfile64(to, from, NULL, 50));
    MUST(pipe(ends));
    MUST(write(ends[1], "through a pipe", 14));
    MUST(splice(ends[0], NULL, to, NULL, 14, 0));
}

static void names(void) {
    char unnamed[64];
    MUST(mkdir("directory", 0750));
    int directory = open("directory", O_RDONLY | O_DIRECTORY);
    MUST(mkdirat(directory, "inner", 0700));
    MUST(mkdir("directory/removed", 0700));
    MUST(rmdir("directory/removed"));
    MUST(write(openat(directory, "./inner/../a", O_WRONLY | O_CREAT, 0600), "a", 1));
    MUST(write(openat64(directory, "b", O_WRONLY | O_CREAT, 0600), "b", 1));
    MUST(write(open64("c", O_WRONLY | O_CREAT, 0600), "c", 1));
    MUST(renameat(directory, "a", directory, "inner/renamed"));
    MUST(rename("c", "directory/b"));
    MUST(link("directory/b", "linked"));
    MUST(rename("directory/b", "linked")); /* two names of one file: both stay */
    MUST(linkat(directory, "b", AT_FDCWD, "linked again", 0));
    MUST(renameat2(AT_FDCWD, "linked", AT_FDCWD, "moved", RENAME_NOREPLACE));
    MUST(rename("directory/inner", "inner"));
    make("unlinked", 0);
    MUST(unlink("unlinked"));
    make("directory/unlinked", 0);
    MUST(unlinkat(directory, "unlinked", 0));
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    MUST(fd);
    MUST(write(fd, "once without a name", 19));
    snprintf(unnamed, sizeof unnamed, "/proc/self/fd/%d", fd);
    MUST(linkat(AT_FDCWD, unnamed, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    MUST(write(fd, ", and more", 10));
}

static void elsewhere(void) {
    int fd = open("../elsewhere", O_RDWR | O_CREAT, 0600);
    MUST(write(fd, "not watched", 11));
    MUST(rename("../elsewhere", "../renamed"));
    MUST(fsync(fd));
    MUST(unlink("../renamed"));
}

static void syncs(void) {
    MUST(fsync(make("writes", 0)));
    MUST(fdatasync(make("copies", 0)));
    MUST(fsync(open(".", O_RDONLY)));
    MUST(syncfs(make("synced", 0)));
    make("synced as well", 0);
    sync();
    make("not synced", 0);
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    MUST(chdir(arguments[1]));
    writes();
    lengths();
    copies();
    names();
    elsewhere();
    syncs();
    return 0;
}
