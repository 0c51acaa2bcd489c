package admin

import (
	"context"
	"errors"
	"net/http"
)

// forbidden tells nothing of what there is.
const forbidden = "you may not do this: ask for the role d1gateway-notifications-viewer or -operator in the namespace of the gateway, and name the namespace"

// permit answers nil when the caller may do something in a namespace, or everywhere when it is empty.
func (h *handler) permit(ctx context.Context, resource Resource, verb Verb, namespace string) error {
	caller := callerOf(ctx)
	if caller.trusted {
		return nil
	}
	err := h.door.Authorize(ctx, caller, Action{resource, verb, namespace})
	if errors.Is(err, ErrForbidden) {
		return refused(http.StatusForbidden, forbidden)
	}
	return err
}

// permitWithin finds the namespace that a request stays within, or "" for all. A request that names none is one about all of them, unless
// the caller may not do it there and names a gateway, which is in a namespace.
func (h *handler) permitWithin(ctx context.Context, resource Resource, verb Verb, namespace, gatewayID string) (string, error) {
	err := h.permit(ctx, resource, verb, namespace)
	var denied *refusal
	if namespace != "" || gatewayID == "" || !errors.As(err, &denied) || denied.status != http.StatusForbidden {
		return namespace, err
	}
	owner := h.namespaceOf(gatewayID)
	if owner == "" {
		return "", err
	}
	return owner, h.permit(ctx, resource, verb, owner)
}

// namespaceOf answers the namespace of the gateway with that id; "" when there is none now, or more than one, as while one is being deleted.
func (h *handler) namespaceOf(gatewayID string) string {
	found := ""
	for _, name := range h.Lanes() {
		l := splitLane(name)
		if l.gatewayID != gatewayID {
			continue
		}
		if found != "" && found != l.namespace {
			return ""
		}
		found = l.namespace
	}
	return found
}
