package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// logInterval is how often a failure that lasts is logged.
const logInterval = time.Minute

// connection logs how the API server answers for one resource: a failure, again while it lasts, and its end.
type connection struct {
	resource string
	logger   *slog.Logger

	mu     sync.Mutex
	logged time.Time // when the last failure was
	failed bool      // since it last answered, and that is in the log
}

func newConnection(resource string, logger *slog.Logger) *connection {
	return &connection{resource: resource, logger: logger}
}

// note takes up what came of a call, or ended a watch.
func (c *connection) note(ctx context.Context, o metav1.ListOptions, err error) {
	if ctx.Err() != nil || isRoutine(o, err) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil && c.failed:
		c.failed = false
		c.logger.Info("the API server answers again", "resource", c.resource)
	case err != nil && time.Since(c.logged) >= logInterval:
		c.logged, c.failed = time.Now(), true
		c.logger.Error("serving documents cannot be watched, what was read serves on and it is tried again", "resource", c.resource, "error", err)
	}
}

// isRoutine says whether the reflector asks in another way at once: its version is too old to watch from, or the API server does not
// stream lists.
func isRoutine(o metav1.ListOptions, err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || o.SendInitialEvents != nil && apierrors.IsInvalid(err)
}
