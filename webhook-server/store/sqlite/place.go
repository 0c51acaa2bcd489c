package sqlite

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// errMoved says that the file that is open is no longer the one at its path: what is written now would be gone after a restart.
var errMoved = errors.New("the store's file was removed or replaced")

// lookInterval bounds how often the path is looked at, and how long such a loss goes unnoticed.
const lookInterval = time.Second

// place watches that the open file stays at its path.
type place struct {
	path   string
	file   os.FileInfo
	looked time.Time
	err    error
}

func newPlace(path string) (*place, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return &place{path: path, file: info}, nil
}

// check answers errMoved when another file or none stands at the path. It is called by the writer only.
func (p *place) check(now time.Time) error {
	if now.Sub(p.looked) < lookInterval {
		return p.err
	}
	p.looked, p.err = now, nil
	info, err := os.Stat(p.path)
	switch {
	case err != nil:
		p.err = fmt.Errorf("%w: %w", errMoved, err)
	case !os.SameFile(info, p.file):
		p.err = errMoved
	}
	return p.err
}
