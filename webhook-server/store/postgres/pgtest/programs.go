package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// errNoPrograms says what to install.
var errNoPrograms = errors.New("PostgreSQL's server programs (initdb, postgres) were found neither on the PATH nor by pg_config --bindir " +
	"nor below /usr/lib/postgresql: install the Debian package postgresql")

// findPrograms answers the folder of initdb and postgres.
func findPrograms(ctx context.Context) (string, error) {
	var folders []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(initdb); err == nil {
			folders = append(folders, filepath.Dir(real))
		}
	}
	if output, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(output)))
	}
	versions, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(versions, func(a, b string) int { return majorOf(b) - majorOf(a) })
	for _, folder := range append(folders, versions...) {
		if isProgram(filepath.Join(folder, "initdb")) && isProgram(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", errNoPrograms
}

// majorOf reads the version from /usr/lib/postgresql/15/bin, 0 when there is none.
func majorOf(folder string) int {
	major, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder))) // 0 is after all others
	return major
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// account is whom the server runs as; without a credential it is this very user.
type account struct {
	credential *syscall.Credential
}

// own gives a file to the account.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// unprivileged answers the account postgres, else nobody, when this process is root.
func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	found, err := osuser.Lookup("postgres")
	if err != nil {
		found, err = osuser.Lookup("nobody")
	}
	if err != nil {
		return account{}, fmt.Errorf("PostgreSQL does not run as root, and there is neither a user postgres nor nobody: %w", err)
	}
	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return account{}, err
	}
	return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}
