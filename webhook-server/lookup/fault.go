package lookup

import (
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
)

// Result is what came of one request to a platform. The set is closed: it is a metric label.
type Result string

// The results beside the faults of the network (outbound.Fault).
const (
	// ResultKnown: 2xx.
	ResultKnown Result = "known"
	// ResultUnknown: 404.
	ResultUnknown Result = "unknown"
	// UnexpectedStatus: any other status. A redirect is one: it is not followed.
	UnexpectedStatus Result = "unexpected_status"
	// Busy: the gateway had 128 requests under way already.
	Busy Result = "busy"
)

// Results lists the closed set.
func Results() []Result {
	all := []Result{ResultKnown, ResultUnknown, UnexpectedStatus, Busy}
	for _, f := range outbound.Faults() {
		all = append(all, Result(f))
	}
	return all
}

// Fault says why the platform gave no answer that says anything about the token.
type Fault struct {
	Result Result
	// Status is the HTTP status; 0 when there was no answer.
	Status int
	// Detail is for the person who runs the server: see outbound.Detail. Often empty. It is not part of the error's text.
	Detail string
}

// Error names the result and the status.
func (f *Fault) Error() string {
	if f.Status != 0 {
		return fmt.Sprintf("token lookup answered %d", f.Status)
	}
	return "token lookup failed: " + string(f.Result)
}
