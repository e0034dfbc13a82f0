package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// written writes a file as export does, and returns what kept it from doing so.
func written(path, text string, force bool) error {
	file, err := createExport(path, force)
	if err != nil {
		return err
	}
	defer file.abort()
	if _, err := file.Write([]byte(text)); err != nil {
		return err
	}
	return file.finish()
}

func TestAnExportedFileReplacesOnlyWhatItMay(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	check := func(err error, want string) {
		t.Helper()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("it says %v, want %s", err, want)
		}
	}
	has := func(name, want string) {
		t.Helper()
		if text, err := os.ReadFile(in(name)); err != nil || string(text) != want {
			t.Errorf("%s has %s, %v, want %s", name, text, err, want)
		}
	}
	check(written(in("a"), "first", false), "")
	if info, err := os.Stat(in("a")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	check(written(in("a"), "second", false), "is there already")
	has("a", "first")
	check(written(in("a"), "second", true), "")
	has("a", "second")

	// A link stays, and leads to the file. One that leads nowhere is not written over.
	check(errors.Join(os.Symlink("a", in("link")), os.Symlink("nothing", in("broken"))), "")
	check(written(in("link"), "third", false), "is there already")
	check(written(in("link"), "third", true), "")
	has("a", "third")
	if to, err := os.Readlink(in("link")); err != nil || to != "a" {
		t.Errorf("the link leads to %s, %v", to, err)
	}
	check(written(in("broken"), "fourth", true), "is no file")

	check(syscall.Mkfifo(in("pipe"), 0o600), "")
	check(written(in("pipe"), "fifth", true), "is no file")
	check(written(dir, "sixth", true), "is no file")
	check(written("", "seventh", true), "names no file")
	check(written(in("no/folder"), "eighth", true), "no such file")

	// One that is made meanwhile stays.
	late, err := createExport(in("late"), false)
	check(errors.Join(err, os.WriteFile(in("late"), []byte("somebody's"), 0o600)), "")
	check(late.finish(), "is there already")
	late.abort()
	has("late", "somebody's")
	left, err := os.ReadDir(dir)
	if check(err, ""); len(left) != 5 {
		t.Errorf("there are %v", left)
	}
}
