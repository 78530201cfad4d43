// A parser in Go for the fuzz kit:
//
//	go build -o adapter examples/fuzz/adapter.go
//	gemini-replay fuzz --command ./adapter --profile gemini
//
// Replace parse by your own. One case is one line of JSON on standard input, one line of JSON answers it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
)

type question struct {
	ID     int      `json:"id"`
	Chunks [][]byte `json:"chunks"` // encoding/json decodes Base64
}

type answer struct {
	ID     int               `json:"id"`
	Events []json.RawMessage `json:"events"`
	Error  string            `json:"error,omitempty"`
}

// parse returns the JSON of each event, up to an error.
func parse(chunks [][]byte) (events []json.RawMessage, err error) {
	var buffer []byte
	for _, chunk := range chunks {
		buffer = append(buffer, chunk...)
		for {
			block, rest, found := bytes.Cut(buffer, []byte("\r\n\r\n"))
			if !found {
				break
			}
			buffer = rest
			if data, isData := bytes.CutPrefix(block, []byte("data: ")); isData {
				if !json.Valid(data) {
					return events, errors.New("SyntaxError: invalid JSON")
				}
				events = append(events, json.RawMessage(data))
			}
		}
	}
	return events, nil
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		events, failed := parse(asked.Chunks)
		said := answer{ID: asked.ID, Events: events}
		if said.Events == nil {
			said.Events = []json.RawMessage{}
		}
		if failed != nil {
			said.Error = failed.Error()
		}
		if err := out.Encode(said); err != nil {
			panic(err)
		}
	}
}
