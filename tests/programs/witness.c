/* A witness to what a program starts: preloaded into it and into whatever it starts, it adds a line to a file.

   Each program that is executed (a fork alone is none) says its number, its parent's, whether it bears
   memmon's mark, its file and its command line. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void tell(int argc, char **argv) {
  const char *file = getenv("PROGRAMS_WITNESS");
  char exe[4096], line[16384];
  if (!file) return;
  ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
  exe[length < 0 ? 0 : length] = 0;
  int used = snprintf(line, 8192, "%d\t%d\t%d\t%s\t", getpid(), getppid(), getenv("MEMMON_CHILD") != NULL, exe);
  for (int i = 0; i < argc && used < 12000; i++) used += snprintf(line + used, 2000, "%.1990s ", argv[i]);
  for (int i = 0; i < used; i++)
    if (line[i] == '\n') line[i] = ' ';
  line[used++] = '\n';
  int out = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (out < 0) return;
  if (write(out, line, used) < 0) _exit(126);
  close(out);
}
