package patient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// isAway says whether a call failed because the API server, or the way to it, is down or overwhelmed. What it has decided about the call itself is
// none of that: no such kind, no right, a version that is too old, or one that it has not come to yet.
func isAway(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return isAwayStatus(err, status.Status().Code)
	}
	var connection *url.Error // what net/http could not send, or got no answer to
	return errors.As(err, &connection) || utilnet.IsTimeout(err) || utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) ||
		utilnet.IsHTTP2ConnectionLost(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func isAwayStatus(err error, code int32) bool {
	switch code {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable:
		return true
	case http.StatusGatewayTimeout:
		// The reflector asks without a version then: an API server whose data were restored from a copy may never come to it.
		return !apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge)
	default:
		return false
	}
}

// askedFor answers for how long the API server wants not to be asked.
func askedFor(err error) time.Duration {
	if seconds, asked := apierrors.SuggestsClientDelay(err); asked {
		return time.Duration(seconds) * time.Second
	}
	return 0
}
