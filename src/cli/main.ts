#!/usr/bin/env node
import { openTerminal } from '../platform/terminal.ts'
import { runCli } from './run.ts'

await runCli(openTerminal())
