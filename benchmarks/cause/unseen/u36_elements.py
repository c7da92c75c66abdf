import xml.etree.ElementTree as E
ROOT=E.Element('feed')
def unit(i):
    e=E.SubElement(ROOT,'entry') #C
    e.text='t'*600+str(i)
