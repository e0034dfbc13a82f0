package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  named(),
		RunE: func(*cobra.Command, []string) error {
			build := thisBuild()
			return p.print(build, func() {
				p.out.Line("kindred %s  %s  %s/%s", build.Version, build.Go, build.OS, build.Arch)
			})
		},
	}
}

// release is the version of an image, which is built without the history that a version is read from (-X main.release=...).
var release string

type build struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func thisBuild() build {
	b := build{Version: "(unknown)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && (b.Version == "" || b.Version == "(devel)") {
			b.Version = setting.Value[:min(len(setting.Value), 12)]
		}
	}
	if release != "" {
		b.Version = release
	}
	return b
}
