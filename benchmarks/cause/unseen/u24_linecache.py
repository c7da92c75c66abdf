import linecache
def unit(i):
    text='x='+'1'*800
    linecache.cache[f'<cell {i}>']=(len(text),None,[text+str(i)],f'<cell {i}>') #C
