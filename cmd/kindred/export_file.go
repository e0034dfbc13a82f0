package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
)

// exportFile is a file that is there whole or not at all: it is written under another name beside it. Only you can read it.
type exportFile struct {
	path  string
	force bool // it may replace another one
	file  *os.File
	to    *bufio.Writer
	sum   hash.Hash
	bytes int64
}

// createExport begins a file. One that is there already is an error, unless it may be replaced. Behind a symbolic link it is the
// file that the link names.
func createExport(path string, force bool) (*exportFile, error) {
	if path == "" {
		return nil, &failure{code: misused, err: errors.New("-o names no file"), try: "a name after -o, or -o - for stdout"}
	}
	if linked, err := filepath.EvalSymlinks(path); err == nil {
		path = linked
	}
	e := &exportFile{path: path, force: force, sum: sha256.New()}
	if err := e.free(); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, hint(err, "-o with a folder that exists and that you may write to")
	}
	e.file, e.to = file, bufio.NewWriterSize(file, 1<<16)
	return e, nil
}

// free returns an error when the file would replace another one and may not, or something that is no file.
func (e *exportFile) free() error {
	info, err := os.Lstat(e.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &failure{code: misused, err: fmt.Errorf("%s is no file", e.path), try: "another name with -o, or -o - for stdout"}
	case !e.force:
		return hint(fmt.Errorf("%s is there already", e.path), "--force replaces it")
	}
	return nil
}

func (e *exportFile) Write(p []byte) (int, error) {
	n, err := e.to.Write(p)
	e.sum.Write(p[:n])
	e.bytes += int64(n)
	return n, err
}

// finish gives the file its name, once all of it is on the disk.
func (e *exportFile) finish() error {
	err := e.to.Flush()
	if err == nil {
		err = e.file.Sync()
	}
	err = errors.Join(err, e.file.Close())
	if err == nil {
		err = e.free() // somebody else may have made it meanwhile
	}
	if err == nil {
		err = os.Rename(e.file.Name(), e.path)
	}
	return err
}

// abort deletes what was written. After finish it does nothing.
func (e *exportFile) abort() {
	e.file.Close()
	_ = os.Remove(e.file.Name())
}

func (e *exportFile) checksum() string { return hex.EncodeToString(e.sum.Sum(nil)) }
