#include "core/base/file_descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace ingot {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    read = FileDescriptor(ends[0]);
    write = FileDescriptor(ends[1]);
  }
  FileDescriptor read, write;
};

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(FileDescriptorTest, ClosesWhatItOwns) {
  Pipe pipe;
  const int fd = pipe.read.get();
  {
    const FileDescriptor moved = std::move(pipe.read);
    EXPECT_EQ(pipe.read.get(), -1);
    EXPECT_TRUE(IsOpen(fd));
  }
  EXPECT_FALSE(IsOpen(fd));
}

TEST(FileDescriptorTest, WhatIsReleasedStaysOpen) {
  Pipe pipe;
  const int fd = pipe.read.Release();
  pipe.read = FileDescriptor();
  EXPECT_TRUE(IsOpen(fd));
  close(fd);
}

TEST(FileDescriptorTest, MoreThanAPipeHoldsIsWrittenAndRead) {
  Pipe pipe;
  const std::string sent(1 << 20, 'x');
  std::thread writer([&] { EXPECT_TRUE(WriteAll(pipe.write.get(), sent)); });
  std::string heard(sent.size(), ' ');
  EXPECT_TRUE(ReadAll(pipe.read.get(), heard.data(), heard.size()));
  writer.join();
  EXPECT_EQ(heard, sent);
}

TEST(FileDescriptorTest, AnEarlyEndIsSeen) {
  Pipe pipe;
  EXPECT_TRUE(WriteAll(pipe.write.get(), "ab"));
  pipe.write = FileDescriptor();
  char heard[3];
  EXPECT_FALSE(ReadAll(pipe.read.get(), heard, sizeof(heard)));
}

TEST(FileDescriptorTest, AFailedWriteSaysWhy) {
  Pipe pipe;
  EXPECT_FALSE(WriteAll(pipe.read.get(), "a"));
  EXPECT_EQ(errno, EBADF);
}

TEST(RetryInterruptedTest, GoesOnAfterASignal) {
  int calls = 0;
  EXPECT_EQ(RetryInterrupted([&] {
              errno = EINTR;
              return ++calls < 3 ? -1 : 7;
            }),
            7);
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace ingot
