package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// The promises about memory, in MB.
	operatorMemory, serverMemory = 300, 150
	// steadyGateways is how many times as many gateways the steady state has as the other figures.
	steadyGateways = 10
	// restful is for how long nothing must have been written before the steady state begins: longer than the server waits to tell first uses.
	restful = 10 * time.Second
)

func steadyStateFigure() figure {
	return figure{
		name:       "steady-state",
		about:      "API writes per hour that nothing asked for, Leases aside, with 10,000 clients on 1,000 gateways; real operator, server and API server",
		goal:       0,
		direction:  atMost,
		onlyByName: true,
		measure:    measureSteadyState,
	}
}

// steadyStateDetail is what the JSON file says of it.
type steadyStateDetail struct {
	Clients  int     `json:"clients"`
	Gateways int     `json:"gateways"`
	Seconds  float64 `json:"seconds"`
	// Requests are all that the API server was asked for meanwhile.
	Requests counts `json:"requests"`
	// FullOperator and FullServer are what the programs had used when all was Ready, Operator and Server at the end.
	FullOperator usage `json:"fullOperator"`
	FullServer   usage `json:"fullServer"`
	Operator     usage `json:"operator"`
	Server       usage `json:"server"`
}

func measureSteadyState(ctx context.Context, s *session) (measurement, error) {
	f := s.fleet
	f.gateways *= steadyGateways
	w, err := startWorld(ctx, s, f)
	if err != nil {
		return measurement{}, err
	}
	if _, err := w.fill(ctx, 0, f.clients-1); err != nil { // the sample is one too
		return measurement{}, err
	}
	d := steadyStateDetail{Clients: w.clients.number(), Gateways: w.gateways.number()}
	if d.FullOperator, d.FullServer, err = w.usage(ctx); err != nil {
		return measurement{}, err
	}
	before, err := w.cluster.quiet(ctx, restful)
	if err != nil {
		return measurement{}, err
	}
	began := time.Now()
	if !pause(ctx, f.rest) {
		return measurement{}, ctx.Err()
	}
	after, err := w.cluster.requests(ctx)
	if err != nil {
		return measurement{}, err
	}
	d.Seconds, d.Requests = round(time.Since(began).Seconds(), 1), after.since(before)
	if d.Operator, d.Server, err = w.usage(ctx); err != nil {
		return measurement{}, err
	}
	if w.clients.number() != d.Clients || w.gateways.number() != d.Gateways {
		return measurement{}, errors.New("not all resources are Ready any more")
	}
	perHour := float64(d.Requests.writes().total()) * time.Hour.Seconds() / d.Seconds
	return measurement{value: perHour, words: d.words(), detail: d}, nil
}

// usage is what the operator and the server use.
func (w *world) usage(ctx context.Context) (operator, server usage, err error) {
	if operator, err = w.operator.usage(ctx); err != nil {
		return operator, server, err
	}
	server, err = w.server.usage(ctx)
	return operator, server, err
}

func (d *steadyStateDetail) words() []string {
	return []string{
		fmt.Sprintf("%d clients and %d gateways at rest for %.0f s: %d writes; all requests: %s", d.Clients, d.Gateways, d.Seconds, d.Requests.writes().total(), d.Requests),
		memoryWords("operator", d.FullOperator, d.Operator, operatorMemory),
		memoryWords("server", d.FullServer, d.Server, serverMemory),
	}
}

func memoryWords(name string, full, end usage, limit float64) string {
	return fmt.Sprintf("%-8s %.0f MB resident when all was Ready, %.0f MB at the end (goal ≤ %.0f); %.2f CPU seconds meanwhile",
		name, full.ResidentMB, end.ResidentMB, limit, end.CPUSeconds-full.CPUSeconds)
}
